//! Orders that are told late.

use super::{get, refer, start, to};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::ReferralState;
use perennial_proto::types::v1::Money;

/// The friend's order is lost to an earlier one and counts again when that is given back, as often
/// as it happens; the advocate's fact of it is another one each time.
#[tokio::test]
async fn an_order_counts_again_when_the_earlier_one_is_given_back() {
    let service = start().await;
    let referral = refer(&service, to("ann", "bob")).await.unwrap();
    service.wait_days(5);
    let (last, days) = (service.now(), TimeDelta::days);
    let final_at = |paid_at| Some(time::to_proto(paid_at + days(14)));
    service.tell("bob", ActivityKind::Purchase, "p", "o", 6_000);
    service.suite.settle().await;
    assert_eq!(get(&service, &referral).await.qualify_time, final_at(last));
    for n in 1..4 {
        // Told late, and given back.
        let (paid_at, event, order) = (last - days(n), format!("p{n}"), format!("o{n}"));
        let paid = Some(Money { currency: "CNY".to_owned(), minor_units: 6_000 });
        service.tell_late(paid_at, "bob", ActivityKind::Purchase, (&event, &order), paid);
        service.suite.settle().await;
        assert_eq!(get(&service, &referral).await.qualify_time, final_at(paid_at));
        service.tell("bob", ActivityKind::Refund, &format!("r{n}"), &order, 6_000);
        service.suite.settle().await;
        let again = get(&service, &referral).await;
        assert_eq!(
            (again.state(), again.qualify_time),
            (ReferralState::Escrowed, final_at(last)),
            "{n}"
        );
    }
    service.wait_days(14);
    service.suite.settle().await;
    assert_eq!(get(&service, &referral).await.state(), ReferralState::Qualified);
    assert_eq!(service.tier("ann").await.metrics.unwrap().recommendations, 1);
    assert_eq!(service.balance("ann").await.spendable, 301);
    service.assert_sound().await;
}
