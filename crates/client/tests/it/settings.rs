//! Tokens, and settings that cannot work.

use crate::server::Fake;
use perennial_client::proto::loyalty::v1::EarnRequest;
use perennial_client::proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_client::tonic::Code;
use perennial_client::{Channel, ConfigError, Tls, Token};
use std::path::Path;

async fn authorization(token: Token) -> String {
    let fake = Fake::start().await;
    let channel = Channel::to(fake.url()).token(token).build().unwrap();
    PointsServiceClient::new(channel).earn(EarnRequest::default()).await.unwrap();
    fake.seen()[0].headers["authorization"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_goes_along() {
    assert_eq!(authorization(Token::fixed("abc")).await, "Bearer abc");
}

#[tokio::test]
async fn a_token_file_that_never_was_fails_the_call() {
    let fake = Fake::start().await;
    let token = Token::file("/nowhere/token");
    let channel = Channel::to(fake.url()).token(token).build().unwrap();
    let status = PointsServiceClient::new(channel).earn(EarnRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(fake.calls(), 0);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let tls = || Tls::new(Path::new("ca.pem"));
    let refused = [
        Channel::to("loyalty:1").build().err(),
        Channel::to("https://loyalty:1").build().err(),
        Channel::to("http://loyalty:1").tls(tls()).build().err(),
        Channel::to("http://loyalty:1").token(Token::fixed("a\nb")).build().err(),
    ];
    let expected = [
        ConfigError::Address("loyalty:1".into()),
        ConfigError::TlsMissing,
        ConfigError::TlsUnused("http://loyalty:1/".into()),
        ConfigError::Token,
    ];
    assert_eq!(refused, expected.map(Some));
}

#[test]
fn a_token_is_not_shown() {
    assert_eq!(format!("{:?}", Token::fixed("secret")), "Token::fixed");
}
