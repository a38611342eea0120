//! Every RPC with hundreds of requests made from the descriptor set: whatever is sent, a handler
//! answers with a status that blames the right side. INTERNAL and UNKNOWN blame us, so they never
//! come; nothing panics; the data stays in order.

use perennial_proto::{METHODS, Method};
use perennial_testkit::call::call;
use perennial_testkit::environment;
use perennial_testkit::fuzz::Generator;
use perennial_tests::Setup;
use perennial_tests::servers::serving;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tonic::Code;
use tonic::transport::Channel;

/// Cases for each RPC; PERENNIAL_FUZZ_CASES asks for more.
const CASES: usize = 500;

/// Calls in flight at once.
const CALLS: usize = 16;

/// No answer takes longer, on a loaded machine with a debug build.
const SLOWEST: Duration = Duration::from_secs(10);

/// Rounds in which the cases of a method come.
const ROUNDS: usize = 4;

/// How often each code came, and the first message with it.
type Codes = BTreeMap<String, (usize, String)>;

#[tokio::test]
async fn no_request_makes_a_handler_fail() {
    let cases = environment("PERENNIAL_FUZZ_CASES").map_or(CASES, |n| n.parse().unwrap());
    let seed = environment("PERENNIAL_FUZZ_SEED")
        .map_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0, |seed| seed.parse().unwrap());
    println!("seed {seed}: run again with PERENNIAL_FUZZ_SEED={seed}");
    let mut generator = Generator::new(seed);
    let setup = Setup::fresh().await.with("[telemetry]\nlog_filter = \"error\"");
    let mut running = setup.start().await;
    let (mut seen, mut total) = (BTreeMap::<&str, Codes>::new(), 0);
    // Erased users are refused everywhere else, so that comes last. The others take turns, so that
    // each finds what the others made.
    let (last, others): (Vec<&Method>, Vec<&Method>) =
        METHODS.iter().partition(|method| method.name == "EraseProfile");
    let turns = std::iter::repeat_n(&others, ROUNDS).flatten().map(|method| (*method, ROUNDS));
    for (method, rounds) in turns.chain(last.iter().map(|method| (*method, 1))) {
        let places = serving(method);
        for place in &places {
            let channel = running.channels()[*place].clone();
            let share = cases.div_ceil(places.len() * rounds);
            let codes = seen.entry(method.path).or_default();
            fuzz(&mut generator, &channel, method, share, seed, codes).await;
            assert!(running.is_alive(), "{} ended the process", method.path);
        }
    }
    for (path, codes) in seen {
        let cases_seen: usize = codes.values().map(|(count, _)| count).sum();
        println!("{path}: {codes:?}");
        assert!(cases_seen >= cases, "{path}: only {cases_seen} cases");
        assert!(
            codes.keys().any(|code| code != "InvalidArgument"),
            "{path} was never reached behind its checks: {codes:?}"
        );
        total += cases_seen;
    }
    println!("{total} cases, {} RPCs", METHODS.len());
    let log = setup.log();
    assert!(!log.contains("panicked"), "{log}");
    drop(running);
    let check = setup.command("check").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

async fn fuzz(
    generator: &mut Generator,
    channel: &Channel,
    method: &Method,
    cases: usize,
    seed: u64,
    codes: &mut Codes,
) {
    for _ in 0..cases.div_ceil(CALLS) {
        let requests: Vec<Vec<Vec<u8>>> = (0..CALLS).map(|_| messages(generator, method)).collect();
        let calls = requests.iter().map(|messages| async {
            let start = Instant::now();
            let answer = call(channel, method, messages.clone(), None).await;
            (answer, start.elapsed())
        });
        let answers = futures::future::join_all(calls).await;
        for ((answer, time), request) in answers.into_iter().zip(&requests) {
            assert!(time < SLOWEST, "{} took {time:?}: {request:?}", method.path);
            let (code, message) = match answer {
                Ok(answers) => {
                    for answer in &answers {
                        generator.learn(method.output, answer);
                    }
                    (Code::Ok, String::new())
                }
                Err(status) => {
                    let ours =
                        matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss);
                    assert!(!ours, "{} (seed {seed}): {status:?} for {request:?}", method.path);
                    assert!(!leaks(status.message()), "{}: {status:?}", method.path);
                    (status.code(), status.message().chars().take(80).collect())
                }
            };
            codes.entry(format!("{code:?}")).or_insert((0, message)).0 += 1;
        }
    }
}

fn messages(generator: &mut Generator, method: &Method) -> Vec<Vec<u8>> {
    let count = if method.client_streaming { 3 } else { 1 };
    (0..count).map(|_| generator.case(method.input)).collect()
}

/// Words that no caller should read: of our inside, or of a broken transport.
fn leaks(message: &str) -> bool {
    // An answer too large for the trailers reaches the caller as an error of the transport.
    ["h2 protocol error", "SQL", "sqlx", "sqlite", "postgres", "src/", ".rs:", "RUST_BACKTRACE"]
        .iter()
        .any(|word| message.contains(word))
}
