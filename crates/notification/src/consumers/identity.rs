//! Activity, risk grades, moves and erasures.

use super::occurred;
use crate::app::{App, Happening};
use crate::delivery::Folder;
use crate::domain::trigger::Occasion;
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::events::{Consumer, Peer, decode};
use perennial_platform::{Error, Result, time};
use perennial_proto::events::v1::Event;
use perennial_proto::identity::v1::{
    ActivityKind, ActivityRecorded, ProfileUpdated, RiskGrade, RiskGradeChanged, RiskSignal,
    UserErased, UserRegistered,
};

/// Follows identity's log.
pub struct Identity {
    /// Use cases.
    pub app: App,
    /// The embedded e-mail channel's folder, where erased users' mails may lie.
    pub folder: Option<Folder>,
}

impl Consumer for Identity {
    const NAME: &'static str = "notification.identity";
    const SOURCE: Peer = Peer::Identity;
    const TYPES: &'static [&'static str] = &[
        "perennial.identity.v1.ActivityRecorded",
        "perennial.identity.v1.ProfileUpdated",
        "perennial.identity.v1.RiskGradeChanged",
        "perennial.identity.v1.UserErased",
        "perennial.identity.v1.UserRegistered",
    ];

    async fn handle(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        match event.r#type.as_str() {
            "perennial.identity.v1.ActivityRecorded" => self.activity(tx, now, event).await,
            "perennial.identity.v1.RiskGradeChanged" => self.risk(tx, now, event).await,
            "perennial.identity.v1.ProfileUpdated" => {
                let updated: ProfileUpdated = decode(event)?;
                if !updated.fields.iter().any(|field| field == "time_zone") {
                    return Ok(());
                }
                self.app.zone_changed(tx, &updated.user_id, now).await
            }
            "perennial.identity.v1.UserErased" => self.erased(tx, now, event).await,
            "perennial.identity.v1.UserRegistered" => {
                let registered: UserRegistered = decode(event)?;
                self.app.welcome_back(tx, &registered.user_id).await
            }
            _ => Ok(()),
        }
    }
}

impl Identity {
    async fn activity(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let activity: ActivityRecorded = decode(event)?;
        if !opens(activity.kind()) {
            return Ok(());
        }
        let at = match &activity.occur_time {
            Some(at) => time::from_proto("occur_time", at)?,
            None => occurred(event, now)?,
        };
        let user_id = activity.user_id.as_str();
        let purchase = activity.kind() == ActivityKind::Purchase;
        if !self.app.active(tx, user_id, at, purchase, now).await? {
            return Ok(());
        }
        let first = Happening {
            occasion: Occasion::FirstPurchase,
            user_id,
            event: &event.id,
            at,
            variables: Vec::new(),
        };
        self.app.fire(tx, &first, now).await
    }

    async fn risk(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let changed: RiskGradeChanged = decode(event)?;
        self.app.risk_changed(tx, &changed.user_id, now).await?;
        let occasion = match changed.to() {
            RiskGrade::Light => Occasion::RiskLight,
            RiskGrade::Medium => Occasion::RiskMedium,
            RiskGrade::Severe => Occasion::RiskSevere,
            RiskGrade::None | RiskGrade::Unspecified => return Ok(()),
        };
        // A risk that eases is no reason to write.
        if changed.to <= changed.from || !changed.signals().any(drifting) {
            return Ok(());
        }
        let risen = Happening {
            occasion,
            user_id: &changed.user_id,
            event: &event.id,
            at: occurred(event, now)?,
            variables: Vec::new(),
        };
        self.app.fire(tx, &risen, now).await
    }

    async fn erased(&self, tx: &Tx, now: DateTime<Utc>, event: &Event) -> Result<()> {
        let erased: UserErased = decode(event)?;
        let mails = self.app.erase(tx, &erased.user_id, now).await?;
        match &self.folder {
            // Deleting files again does no harm if this transaction is undone and repeated.
            Some(folder) => folder.forget(&mails).await.map_err(Error::internal),
            None => Ok(()),
        }
    }
}

/// Whether a signal shows that the user uses the product less, which is what the win-back messages
/// speak of. An open complaint and a bad review raise the risk as well, but complaints have
/// messages of their own, and call for fewer others (product rows NT-5 and AC-1).
fn drifting(signal: RiskSignal) -> bool {
    matches!(signal, RiskSignal::Inactive | RiskSignal::UseDown)
}

/// Whether an activity shows that the user opened the product. Money coming back, help asked for
/// and visits before registering do not.
fn opens(kind: ActivityKind) -> bool {
    !matches!(
        kind,
        ActivityKind::Unspecified
            | ActivityKind::Refund
            | ActivityKind::SupportContact
            | ActivityKind::Referral
            | ActivityKind::Touch
    )
}
