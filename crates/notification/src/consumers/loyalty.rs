//! What members earn, are promised and are owed (product rows LY-1 to LY-13, AC-1).

mod words;

use super::occurred;
use crate::app::{App, Happening};
use crate::domain::trigger::Occasion;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_proto::events::v1::Event;
use perennial_proto::loyalty::v1::{
    CompensationGranted, MembershipChanged, MembershipRenewalDue, MembershipState, PointsExpiring,
    RewardGranted, RuleChangeAnnounced, RuleChangeWithdrawn, Tier, TierChanged,
};
use prost_types::Timestamp;

/// Follows loyalty's log.
pub struct Loyalty {
    /// Use cases.
    pub app: App,
}

impl Consumer for Loyalty {
    const NAME: &'static str = "notification.loyalty";
    const SOURCE: Peer = Peer::Loyalty;
    const TYPES: &'static [&'static str] = &[
        "perennial.loyalty.v1.CompensationGranted",
        "perennial.loyalty.v1.MembershipChanged",
        "perennial.loyalty.v1.MembershipRenewalDue",
        "perennial.loyalty.v1.PointsExpiring",
        "perennial.loyalty.v1.RewardGranted",
        "perennial.loyalty.v1.RuleChangeAnnounced",
        "perennial.loyalty.v1.RuleChangeWithdrawn",
        "perennial.loyalty.v1.TierChanged",
    ];

    async fn handle(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let told = match event.r#type.rsplit('.').next().unwrap_or_default() {
            "CompensationGranted" => compensated(decode(event)?),
            "MembershipChanged" => self.membership(decode(event)?)?,
            "MembershipRenewalDue" => self.renewal(decode(event)?)?,
            "PointsExpiring" => self.expiring(decode(event)?)?,
            "RewardGranted" => rewarded(decode(event)?),
            "RuleChangeAnnounced" => self.rules(decode(event)?)?,
            "RuleChangeWithdrawn" => self.no_rules(decode(event)?)?,
            "TierChanged" => tier(&decode(event)?),
            _ => None,
        };
        let Some(told) = told else { return Ok(()) };
        let happening = Happening {
            occasion: told.occasion,
            user_id: &told.user_id,
            event: &event.id,
            at: occurred(event, now)?,
            variables: told.variables,
        };
        self.app.fire(tx, &happening, now).await
    }
}

/// What is worth telling to whom.
struct Told {
    occasion: Occasion,
    user_id: String,
    variables: Vec<(&'static str, String)>,
}

impl Loyalty {
    fn day(&self, at: Option<&Timestamp>) -> Result<Option<String>> {
        words::day(at, self.app.rules.zone)
    }

    fn expiring(&self, expiring: PointsExpiring) -> Result<Option<Told>> {
        let Some(day) = self.day(expiring.expire_time.as_ref())? else { return Ok(None) };
        let variables = vec![("points", expiring.points.to_string()), ("expire_date", day)];
        let user_id = expiring.user_id;
        Ok(Some(Told { occasion: Occasion::PointsExpiring, user_id, variables }))
    }

    fn renewal(&self, due: MembershipRenewalDue) -> Result<Option<Told>> {
        let Some(day) = self.day(due.renew_time.as_ref())? else { return Ok(None) };
        let price = words::money(&due.price.unwrap_or_default());
        let occasion = if due.ends_trial { Occasion::TrialEnding } else { Occasion::RenewalDue };
        let variables = vec![("plan", due.plan), ("price", price), ("renew_date", day)];
        Ok(Some(Told { occasion, user_id: due.user_id, variables }))
    }

    /// Only what comes of a renewal that was not paid is told: everything else the member did, or
    /// was told of before. That a membership ends for good takes nothing more away.
    fn membership(&self, changed: MembershipChanged) -> Result<Option<Told>> {
        let (occasion, name, at) = match changed.to() {
            MembershipState::Grace => {
                (Occasion::PaymentFailed, "access_date", changed.access_until)
            }
            MembershipState::OnHold => (Occasion::AccessLost, "end_date", changed.change_time),
            _ => return Ok(None),
        };
        let Some(day) = self.day(at.as_ref())? else { return Ok(None) };
        let variables = vec![("plan", changed.plan), (name, day)];
        Ok(Some(Told { occasion, user_id: changed.user_id, variables }))
    }

    fn rules(&self, announced: RuleChangeAnnounced) -> Result<Option<Told>> {
        let Some(day) = self.day(announced.effective_time.as_ref())? else { return Ok(None) };
        let variables = vec![("rule_version", announced.rule_version), ("effective_date", day)];
        Ok(Some(Told { occasion: Occasion::RulesChange, user_id: announced.user_id, variables }))
    }

    fn no_rules(&self, withdrawn: RuleChangeWithdrawn) -> Result<Option<Told>> {
        let Some(day) = self.day(withdrawn.effective_time.as_ref())? else { return Ok(None) };
        let variables = vec![("rule_version", withdrawn.rule_version), ("effective_date", day)];
        Ok(Some(Told { occasion: Occasion::RulesWithdrawn, user_id: withdrawn.user_id, variables }))
    }
}

/// A rise is congratulated; a fall is not rubbed in.
fn tier(changed: &TierChanged) -> Option<Told> {
    // The first tier of a new member is where everybody starts.
    let rose = changed.to > changed.from && changed.to() != Tier::Ordinary;
    let tier = changed.to().as_str_name();
    rose.then(|| Told {
        occasion: Occasion::TierUp,
        user_id: changed.user_id.clone(),
        variables: vec![("tier", tier.strip_prefix("TIER_").unwrap_or(tier).to_lowercase())],
    })
}

/// A tier that was given is congratulated when it is reached.
fn rewarded(granted: RewardGranted) -> Option<Told> {
    let grant = granted.grant?;
    let variables = words::reward(&grant.reward?)?;
    Some(Told { occasion: Occasion::RewardEarned, user_id: grant.user_id, variables })
}

fn compensated(granted: CompensationGranted) -> Option<Told> {
    let variables = words::sum(granted.grants.iter().filter_map(|grant| grant.reward.as_ref()));
    let occasion = Occasion::Compensated;
    (!granted.grants.is_empty()).then_some(Told { occasion, user_id: granted.user_id, variables })
}
