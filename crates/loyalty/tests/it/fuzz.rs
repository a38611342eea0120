//! Whatever is sent: no handler fails inside, and the ledger stays sound.

use crate::fixture::Service;
use perennial_testkit::fuzz;

#[tokio::test]
async fn hostile_requests_break_nothing() {
    let service = Service::start().await;
    let channel = service.suite.channel();
    fuzz::break_nothing(&channel, "perennial.loyalty.v1", async |round| {
        if round % 10 == 0 {
            service.wait_days(20);
            service.suite.settle().await;
        }
    })
    .await;
    service.assert_sound().await;
}
