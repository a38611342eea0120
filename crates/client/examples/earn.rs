//! Gives a customer 100 points and reads the balance, from a suite at `LOYALTY` (default
//! <http://127.0.0.1:50053>).

use perennial_client::proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_client::proto::loyalty::v1::{EarnRequest, GetBalanceRequest};
use perennial_client::tonic_types::StatusExt;
use perennial_client::{Channel, Token};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "a program, not the suite")]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::var("LOYALTY").unwrap_or("http://127.0.0.1:50053".to_owned());
    let mut channel = Channel::to(address);
    if let Ok(token) = std::env::var("TOKEN") {
        channel = channel.token(Token::fixed(token));
    }
    let mut points = PointsServiceClient::new(channel.build()?);

    // No request_id: the channel fills one in, so this happens once however often it is tried.
    let request = EarnRequest {
        user_id: "ada".to_owned(),
        points: 100,
        reason: "example".to_owned(),
        ..EarnRequest::default()
    };
    match points.earn(request).await {
        Ok(answer) => println!("earned: {:?}", answer.into_inner()),
        Err(status) => {
            let reason = status.get_details_error_info().map(|info| info.reason);
            println!("refused: {:?} {reason:?} {}", status.code(), status.message());
        }
    }
    let request = GetBalanceRequest { user_id: "ada".to_owned() };
    println!("balance: {:?}", points.get_balance(request).await?.into_inner());
    Ok(())
}
