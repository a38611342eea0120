//! What the suite answers after the replay, and what the file itself says about the future that
//! the grades tried to tell.

use super::purchases::Purchase;
use super::replay::user_id;
use crate::client::Suite;
use chrono::NaiveDate;
use perennial_proto::identity::v1::{
    CountMembersRequest, CountMembersResponse, GetMetricsRequest, GetMetricsResponse,
    ListRfmRequest, ListRfmResponse,
};
use perennial_proto::loyalty::v1::{
    CountTiersRequest, CountTiersResponse, GetLiabilityRequest, GetLiabilityResponse,
};
use perennial_proto::notification::v1::{GetDeliveryReportRequest, GetDeliveryReportResponse};
use std::collections::{BTreeMap, BTreeSet};

/// The reports of the services at the end.
#[derive(Debug)]
pub struct Figures {
    pub segments: CountMembersResponse,
    pub metrics: GetMetricsResponse,
    pub rfm: ListRfmResponse,
    pub liability: GetLiabilityResponse,
    pub tiers: CountTiersResponse,
    pub messages: GetDeliveryReportResponse,
}

/// Asks every service for its report.
pub async fn collect(mut suite: Suite, currency: &str) -> Result<Figures, tonic::Status> {
    let rfm = ListRfmRequest { currency: currency.to_owned() };
    Ok(Figures {
        segments: suite.segments.count_members(CountMembersRequest {}).await?.into_inner(),
        metrics: suite.insights.get_metrics(GetMetricsRequest::default()).await?.into_inner(),
        rfm: suite.insights.list_rfm(rfm).await?.into_inner(),
        liability: suite
            .points_reports
            .get_liability(GetLiabilityRequest::default())
            .await?
            .into_inner(),
        tiers: suite.points_reports.count_tiers(CountTiersRequest {}).await?.into_inner(),
        messages: suite
            .message_reports
            .get_delivery_report(GetDeliveryReportRequest::default())
            .await?
            .into_inner(),
    })
}

/// Customers, and how many of them never bought again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Customers in the group.
    pub customers: usize,
    /// Those without a purchase after the graded day.
    pub gone: usize,
}

impl Group {
    /// Share of the group that never bought again, in per cent; 0 for an empty group.
    #[expect(clippy::cast_precision_loss, reason = "counts of customers are small")]
    pub fn percent(self) -> f64 {
        if self.customers == 0 { 0.0 } else { 100.0 * self.gone as f64 / self.customers as f64 }
    }
}

/// What became of the customers known on the graded day: those graded severe, and the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Graded severe.
    pub severe: Group,
    /// Every other grade.
    pub others: Group,
}

impl Outlook {
    /// Looks at the purchases after `graded`; `severe` holds user ids.
    pub fn of(purchases: &[Purchase], graded: NaiveDate, severe: &BTreeSet<String>) -> Self {
        let mut last: BTreeMap<&str, NaiveDate> = BTreeMap::new();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for purchase in purchases {
            last.insert(&purchase.customer, purchase.day);
            if purchase.day <= graded {
                known.insert(&purchase.customer);
            }
        }
        let mut outlook = Self::default();
        for customer in known {
            let group = if severe.contains(&user_id(customer)) {
                &mut outlook.severe
            } else {
                &mut outlook.others
            };
            group.customers += 1;
            group.gone += usize::from(last[customer] <= graded);
        }
        outlook
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outlook_counts_each_customer_known_on_the_day_once() {
        let purchases = super::super::purchases::read(
            "stays 1 19970101 1 1\nstays 1 19980101 1 1\nleaves 2 19970101 1 1\n\
             quiet 3 19970102 1 1\nlater 4 19980101 1 1",
        );
        let graded = NaiveDate::from_ymd_opt(1997, 9, 30).unwrap();
        let severe = ["customer-leaves".to_owned(), "customer-stays".to_owned()].into();
        let outlook = Outlook::of(&purchases.accepted, graded, &severe);
        assert_eq!(outlook.severe, Group { customers: 2, gone: 1 });
        assert_eq!(outlook.others, Group { customers: 1, gone: 1 });
        assert!((outlook.severe.percent() - 50.0).abs() < 1e-9);
    }
}
