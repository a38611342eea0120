//! The binary as an operator uses it.

use perennial_proto::identity::v1::CountMembersRequest;
use perennial_proto::identity::v1::segment_service_client::SegmentServiceClient;
use perennial_proto::loyalty::v1::EarnRequest;
use perennial_tests::{Setup, programs};
use std::process::{Command, Output};

fn perennial(arguments: &[&str]) -> Output {
    Command::new(programs::perennial()).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn help_teaches_by_example() {
    for arguments in [vec!["--help"], vec!["serve", "--help"], vec!["token", "new", "--help"]] {
        let output = perennial(&arguments);
        assert!(output.status.success() && text(&output).contains("perennial"), "{arguments:?}");
    }
    assert!(text(&perennial(&["--help"])).contains("Examples:"));
}

#[tokio::test]
async fn settings_are_printed_without_secrets_and_unknown_ones_refused() {
    let setup =
        Setup::fresh().await.with("master_key = \"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I=\"");
    let output = setup.command("serve").arg("--print-config").output().unwrap();
    let printed = text(&output);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("[loyalty.database]") && !printed.contains("c2VjcmV0"), "{printed}");

    let setup = setup.with("[loyalty]\nno_such_setting = 1");
    let output = setup.command("serve").output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output).contains("no_such_setting"), "{}", text(&output));
}

#[tokio::test]
async fn the_environment_overrides_the_file() {
    let setup = Setup::fresh().await;
    let output = setup
        .command("serve")
        .arg("--print-config")
        .env("PERENNIAL__SERVER__MAX_IN_FLIGHT", "77")
        .output()
        .unwrap();
    assert!(text(&output).contains("max_in_flight = 77"), "{}", text(&output));
}

#[tokio::test]
async fn migrate_makes_the_tables_and_check_finds_them_in_order() {
    let setup = Setup::fresh().await;
    for _ in 0..2 {
        let output = setup.command("migrate").output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        assert_eq!(text(&output).matches("up to date").count(), 4, "{}", text(&output));
    }
    let output = setup.command("check").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(text(&output).matches("in order").count(), 4, "{}", text(&output));
}

#[test]
fn check_on_nothing_says_so_and_makes_nothing() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data");
    let output = perennial(&["check", "--data", data.to_str().unwrap()]);
    assert!(!output.status.success());
    assert_eq!(text(&output).matches("no data yet").count(), 4, "{}", text(&output));
    assert!(!data.exists());
}

#[tokio::test]
async fn health_tells_by_its_exit_code() {
    let setup = Setup::fresh().await;
    let address = format!("http://127.0.0.1:{}", setup.ports()[2]);
    assert!(!perennial(&["health", &address]).status.success());
    let _running = setup.start().await;
    let output = perennial(&["health", &address]);
    assert!(output.status.success() && text(&output).contains("serving"), "{}", text(&output));
}

#[test]
fn scopes_that_open_nothing_are_refused() {
    let output = perennial(&["token", "new", "--name", "crm", "--scopes", "identty.*"]);
    assert!(!output.status.success());
    assert!(text(&output).contains("identty"), "{}", text(&output));
}

#[tokio::test]
async fn check_works_beside_a_running_suite() {
    let setup = Setup::fresh().await;
    let running = setup.start().await;
    let earn = EarnRequest { user_id: "ada".into(), points: 5, ..EarnRequest::default() };
    running.clients().points.earn(earn).await.unwrap();
    let output = setup.command("check").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

#[tokio::test]
async fn a_new_token_opens_what_its_scopes_cover() {
    let output = perennial(&["token", "new", "--name", "crm", "--scopes", "identity.*"]);
    let printed = text(&output);
    let line = |start: &str| printed.lines().find(|line| line.trim().starts_with(start));
    let secret = line("per_").unwrap().trim().to_owned();
    let settings: String = printed.lines().skip_while(|line| !line.starts_with("[[")).take(5).fold(
        String::new(),
        |all, line| {
            if line.starts_with("The caller") { all } else { all + line + "\n" }
        },
    );
    let setup = Setup::fresh().await.with(&settings);
    let running = setup.start().await;
    let [identity, ..] = running.channels();
    let mut anonymous = SegmentServiceClient::new(identity.clone());
    assert!(anonymous.count_members(CountMembersRequest {}).await.is_err());
    let mut request = tonic::Request::new(CountMembersRequest {});
    request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
    SegmentServiceClient::new(identity).count_members(request).await.unwrap();
}

#[tokio::test]
async fn an_open_suite_refuses_to_listen_beyond_loopback() {
    let setup = Setup::fresh().await.with("[server]\nlisten = \"0.0.0.0\"");
    let output = setup.command("serve").output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output).contains("auth.tokens"), "{}", text(&output));
}

#[tokio::test]
async fn the_suite_stops_in_order() {
    let setup = Setup::fresh().await;
    let running = setup.start().await;
    assert!(running.stop().await.success(), "{}", setup.log());
    assert!(!setup.log().contains("ERROR"), "{}", setup.log());
}
