//! What is printed can be typed: every grpcurl line of the READMEs, of the page for callers and of
//! the suite's own greeting, run against a fresh start.

use perennial_tests::Setup;
use perennial_tests::workspace::root;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a line may fail: what one service tells another takes a moment to arrive, less than
/// a person needs to type the next line.
const PATIENCE: Duration = Duration::from_secs(10);

/// The grpcurl commands of a text, with lines that end in a backslash joined.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    lines.filter(|line| line.starts_with("grpcurl ")).map(str::to_owned).collect()
}

/// The same text with the ports of this installation.
fn at(text: &str, setup: &Setup) -> String {
    let mut here = text.to_owned();
    for (port, usual) in setup.ports().into_iter().zip(50051..) {
        let (usual, port) = (format!(":{usual}"), format!(":{port}"));
        here = here.replace(&format!("localhost{usual}"), &format!("127.0.0.1{port}"));
        here = here.replace(&format!("127.0.0.1{usual}"), &format!("127.0.0.1{port}"));
    }
    here
}

/// Runs a command from the root of the repository against the ports of this installation.
fn run(command: &str, setup: &Setup) {
    let here = at(command, setup);
    let until = Instant::now() + PATIENCE;
    let output = loop {
        let output = Command::new("bash").args(["-c", &here]).current_dir(root()).output().unwrap();
        if output.status.success() || Instant::now() > until {
            break output;
        }
    };
    assert!(
        output.status.success(),
        "{here}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn every_line_works(file: &str, at_least: usize) {
    let commands = commands(&std::fs::read_to_string(root().join(file)).unwrap());
    assert!(commands.len() >= at_least, "{file} has only {} grpcurl lines", commands.len());
    let setup = Setup::fresh().await;
    let _running = setup.start().await;
    for command in &commands {
        run(command, &setup);
    }
    println!("{file}: {} grpcurl lines", commands.len());
}

#[tokio::test]
async fn the_readme_works_as_printed() {
    every_line_works("README.md", 8).await;
}

#[tokio::test]
async fn the_chinese_readme_works_as_printed() {
    every_line_works("README.zh-CN.md", 8).await;
}

#[tokio::test]
async fn the_page_for_callers_works_as_printed() {
    every_line_works("docs/clients.md", 3).await;
}

#[tokio::test]
async fn the_greeting_works_as_printed() {
    let setup = Setup::fresh().await;
    let _running = setup.start().await;
    let commands = commands(&setup.log());
    assert_eq!(commands.len(), 5, "{}", setup.log());
    for command in &commands {
        run(command, &setup);
    }
}

/// The `sh` blocks of a text that call the suite.
fn blocks(text: &str) -> Vec<&str> {
    let parts = text.split("```sh\n").skip(1);
    let blocks = parts.filter_map(|part| part.split_once("```").map(|(block, _)| block));
    blocks.filter(|block| block.contains("grpcurl")).collect()
}

/// Tries a call again, as [`run`] does, and names each line that fails in the end.
const AS_TYPED: &str = r#"
set -o pipefail
grpcurl() {
  local code
  for _ in 1 2 3 4 5; do command grpcurl "$@" && return; code=$?; sleep 0.5; done
  return $code
}
trap 'echo "FAILED: $BASH_COMMAND" >&2' ERR
"#;

/// What a line that says that it is refused may answer: FAILED_PRECONDITION, as grpcurl tells it.
const MAY_BE_REFUSED: &str = "|| [ $? = 73 ] # refused";

#[tokio::test]
async fn the_pages_of_loyalty_work_as_printed() {
    let mut pages = 0;
    for page in std::fs::read_dir(root().join("crates/loyalty/docs")).unwrap() {
        let page = page.unwrap().path();
        let text = std::fs::read_to_string(&page).unwrap();
        let blocks = blocks(&text);
        if blocks.is_empty() {
            continue;
        }
        let setup = Setup::fresh().await;
        let _running = setup.start().await;
        let typed = AS_TYPED.to_owned() + &blocks.concat();
        let here = at(&typed, &setup).replace("# refused", MAY_BE_REFUSED);
        let output = Command::new("bash").args(["-c", &here]).current_dir(root()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("FAILED:"), "{}\n{said}", page.display());
        assert!(output.status.success(), "{}\n{said}", page.display());
        pages += 1;
    }
    assert!(pages >= 8, "only {pages} pages");
}

#[test]
fn every_method_of_loyalty_has_a_line() {
    let texts = |folder: &str| {
        let files = std::fs::read_dir(root().join(folder)).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect::<String>()
    };
    let readme = std::fs::read_to_string(root().join("crates/loyalty/README.md")).unwrap();
    let pages = readme + &texts("crates/loyalty/docs");
    let lines = blocks(&pages).concat();
    let contracts = texts("proto/perennial/loyalty/v1");
    let methods: Vec<&str> = contracts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc ")?.split_once('(').map(|(name, _)| name))
        .collect();
    assert!(methods.len() > 80, "only {} methods", methods.len());
    // Some pages call through a function that puts the name of the service before the method.
    let unnamed = |method: &&&str| !lines.split([' ', '/', '\n']).any(|word| word == **method);
    let missing: Vec<_> = methods.iter().filter(unnamed).collect();
    assert!(missing.is_empty(), "without a grpcurl line: {missing:?}");
}

#[test]
fn every_make_target_in_the_readme_exists() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    for file in ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for (at, _) in text.match_indices("`make ") {
            let target: String = text[at + 6..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect();
            assert!(makefile.contains(&format!("\n{target}:")), "{file}: make {target}");
        }
    }
}
