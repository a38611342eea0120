//! What readers are told, against what the oracle knows.

use super::{Check, World};
use crate::domain::HoldState;
use perennial_platform::time::from_proto;
use perennial_proto::loyalty::v1::points_service_server::PointsService as _;
use perennial_proto::loyalty::v1::tier_service_server::TierService as _;
use perennial_proto::loyalty::v1::{
    ExplainBalanceRequest, GetBalanceRequest, GetStatementRequest, GetTierRequest,
};
use tonic::{Code, Request};

impl World {
    /// A member's balance, and now and then everything else that can be read.
    pub(super) async fn compare(&mut self, user: &str) -> Check {
        self.compare_balance(user).await?;
        match self.random.below(12) {
            0 => self.compare_lots(user).await,
            1 => self.compare_statement(user).await,
            2 => self.compare_hold().await,
            3 => self.compare_tier(user).await,
            _ => Ok(()),
        }
    }

    /// Everybody's balance and tier.
    pub(super) async fn compare_all(&mut self) -> Check {
        self.clock.set(self.latest);
        let users: Vec<String> = self.oracle.members.keys().cloned().collect();
        for user in users {
            self.compare_balance(&user).await?;
            self.compare_tier(&user).await?;
        }
        Ok(())
    }

    async fn compare_balance(&self, user: &str) -> Check {
        let now = self.now();
        let expected = self.oracle.view(user, now);
        let request = GetBalanceRequest { user_id: user.to_owned() };
        let told = match self.site.points.get_balance(Request::new(request)).await {
            Ok(answer) => answer.into_inner().balance,
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => return Err(format!("the balance of {user}: {status:?}")),
        };
        let told = told.map(|b| {
            let next = b.next_expire_time.as_ref().and_then(|at| from_proto("at", at).ok());
            let taken = [b.redeemed, b.expired, b.reversed, b.pending];
            let [redeemed, expired, reversed, pending] = taken;
            let (free, held, debt, issued) = (b.spendable, b.held, b.debt, b.issued);
            let totals = [free, held, debt, issued, redeemed, expired, reversed, pending];
            (totals, (next, b.next_expire_points), b.closed)
        });
        let expected = expected.map(|m| (m.totals(), m.next_expiry(), m.closed()));
        if told == expected {
            return Ok(());
        }
        Err(format!("{user} at {now} has {told:?} instead of {expected:?}"))
    }

    async fn compare_lots(&self, user: &str) -> Check {
        let request = ExplainBalanceRequest {
            user_id: user.to_owned(),
            page_size: 500,
            ..Default::default()
        };
        let Ok(told) = self.site.points.explain_balance(Request::new(request)).await else {
            return self.compare_balance(user).await;
        };
        let told = told.into_inner();
        let sum: i64 = told.lots.iter().map(|lot| lot.spendable).sum();
        let has = told.balance.as_ref().map_or(0, |balance| balance.spendable);
        if told.next_page_token.is_empty() && sum != has {
            return Err(format!("{user} can spend {has}, but the lots have {sum}"));
        }
        Ok(())
    }

    async fn compare_statement(&self, user: &str) -> Check {
        let request =
            GetStatementRequest { user_id: user.to_owned(), page_size: 20, ..Default::default() };
        let Ok(told) = self.site.points.get_statement(Request::new(request)).await else {
            return self.compare_balance(user).await;
        };
        let told = told.into_inner();
        for pair in told.entries.windows(2) {
            let moved = pair[0].legs.unwrap_or_default().available;
            if pair[0].seq <= pair[1].seq
                || pair[0].available_after - moved != pair[1].available_after
            {
                return Err(format!("the statement of {user} jumps at {}", pair[0].entry_id));
            }
        }
        let balance = told.balance.unwrap_or_default();
        let booked =
            self.oracle.members.get(user).map_or(0, crate::simulation::oracle::Member::booked);
        if balance.spendable + balance.held != booked {
            return Err(format!("the entries of {user} add up to {balance:?}, not to {booked}"));
        }
        Ok(())
    }

    async fn compare_hold(&mut self) -> Check {
        let Some((user, entry)) = self.random.pick(&self.holds).cloned() else { return Ok(()) };
        let now = self.now();
        let id = crate::domain::HoldId::from(entry.uuid());
        let told = self.site.app.hold(id).await.map_err(|error| error.to_string())?;
        let told = match told.state {
            HoldState::Open => None,
            HoldState::Captured => Some("HOLD_CAPTURED"),
            HoldState::Voided => Some("HOLD_VOIDED"),
            HoldState::TimedOut => Some("HOLD_TIMED_OUT"),
        };
        let expected = self.oracle.hold_end(&user, entry, now);
        if told == expected { Ok(()) } else { Err(format!("{id} is {told:?}, not {expected:?}")) }
    }

    /// Nobody stands below what they bought within the year, nor above without a guarantee.
    async fn compare_tier(&self, user: &str) -> Check {
        let now = self.now();
        let request = GetTierRequest { user_id: user.to_owned() };
        let Ok(told) = self.site.tiers.get_tier(Request::new(request)).await else {
            return self.compare_balance(user).await;
        };
        let told = told.into_inner();
        let least = i32::from(self.oracle.least_tier(user, now).number());
        let keep = told.keep_until.as_ref().and_then(|at| from_proto("at", at).ok());
        // A clock that was stepped back asks about a past that was judged with later facts.
        let unjust = told.tier < least || (told.tier > least && keep.is_none_or(|at| at <= now));
        if unjust && now == self.latest {
            return Err(format!("{user} stands at {} instead of {least} at {now}", told.tier));
        }
        Ok(())
    }
}
