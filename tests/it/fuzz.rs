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

/// How often each code came.
type Codes = BTreeMap<String, usize>;

#[tokio::test]
async fn no_request_makes_a_handler_fail() {
    let cases = environment("PERENNIAL_FUZZ_CASES").map_or(CASES, |n| n.parse().unwrap());
    let seed = environment("PERENNIAL_FUZZ_SEED")
        .map_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0, |seed| seed.parse().unwrap());
    println!("seed {seed}: run again with PERENNIAL_FUZZ_SEED={seed}");
    let mut generator = Generator::new(seed);
    let setup = Setup::fresh().await.with("[telemetry]\nlog_filter = \"error\"");
    let mut running = setup.start().await;
    let mut methods: Vec<&Method> = METHODS.iter().collect();
    // Users that are erased are refused everywhere else: last.
    methods.sort_by_key(|method| method.name == "EraseProfile");
    let mut total = 0;
    for method in methods {
        for place in serving(method) {
            let channel = running.channels()[place].clone();
            let codes = fuzz(&mut generator, &channel, method, cases, seed).await;
            total += codes.values().sum::<usize>();
            println!("{}: {codes:?}", method.path);
            assert!(
                codes.keys().any(|code| code != "InvalidArgument"),
                "{} was never reached behind its checks: {codes:?}",
                method.path
            );
            assert!(running.is_alive(), "{} ended the process", method.path);
        }
    }
    println!("{total} cases, {} RPCs", METHODS.len());
    assert!(total >= cases * METHODS.len());
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
) -> Codes {
    let mut codes = Codes::new();
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
            let code = match answer {
                Ok(answers) => {
                    answers.iter().for_each(|answer| generator.learn(method.output, answer));
                    Code::Ok
                }
                Err(status) => {
                    let ours =
                        matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss);
                    assert!(!ours, "{} (seed {seed}): {status:?} for {request:?}", method.path);
                    assert!(!leaks(status.message()), "{}: {status:?}", method.path);
                    status.code()
                }
            };
            *codes.entry(format!("{code:?}")).or_default() += 1;
        }
    }
    codes
}

fn messages(generator: &mut Generator, method: &Method) -> Vec<Vec<u8>> {
    let count = if method.client_streaming { 3 } else { 1 };
    (0..count).map(|_| generator.case(method.input)).collect()
}

/// Words of our inside that no caller should read.
fn leaks(message: &str) -> bool {
    ["SQL", "sqlx", "sqlite", "postgres", "src/", ".rs:", "RUST_BACKTRACE"]
        .iter()
        .any(|word| message.contains(word))
}
