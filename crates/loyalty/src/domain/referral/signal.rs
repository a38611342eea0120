//! What speaks against a referral, and how much.
//!
//! What is counted over time is counted per advocate, per device and per network address, whatever
//! the code: another code resets nothing.

use super::Verdict;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// What is known about a person. Opaque keys that the caller made; the numbers of the kinds are
/// stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence(pub Vec<(EvidenceKind, String)>);

/// What a piece of evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the fields of ReferralEvidence in referrals.proto")]
#[repr(i16)]
pub enum EvidenceKind {
    Device = 1,
    Payment = 2,
    Address = 3,
    Email = 4,
    Name = 5,
    Ip = 6,
}

/// One reason against a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Which.
    pub kind: SignalKind,
    /// How much it weighs.
    pub weight: u32,
}

/// The reasons there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "explained in referrals.proto, whose numbers these are")]
#[repr(i16)]
pub enum SignalKind {
    SameDevice = 1,
    SamePayment = 2,
    SameAddress = 3,
    SameEmail = 4,
    SameName = 5,
    SameIp = 6,
    FriendsAlike = 7,
    CrowdedIp = 8,
    CrowdedDevice = 9,
    BusyAdvocate = 10,
    Burst = 11,
}

/// What was found when a friend was referred, this friend included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What advocate and friend share.
    pub shared: Vec<EvidenceKind>,
    /// What the friend shares with another friend of the advocate.
    pub among_friends: Vec<EvidenceKind>,
    /// Friends of anybody who lately came from the same network address.
    pub from_ip: i64,
    /// Friends of anybody who lately came from the same device.
    pub from_device: i64,
    /// Friends whom the advocate lately brought.
    pub by_advocate: i64,
    /// Friends whom the advocate brought within the short while.
    pub in_burst: i64,
}

/// What each reason weighs; 0: it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignalRules {
    /// From this sum of weights on somebody has to look.
    pub review_at: u32,
    /// From this sum of weights on a referral does not count.
    pub block_at: u32,
    /// Advocate and friend share a device.
    pub same_device: u32,
    /// ... a means of payment.
    pub same_payment: u32,
    /// ... an address.
    pub same_address: u32,
    /// ... an e-mail address.
    pub same_email: u32,
    /// ... a name.
    pub same_name: u32,
    /// ... a network address.
    pub same_ip: u32,
    /// Two friends of the advocate share a device, a means of payment or an e-mail address.
    pub friends_alike: u32,
    /// What "lately" means, in days.
    pub window_days: u32,
    /// More friends than this came from one network address lately.
    pub per_ip: u32,
    /// What that weighs.
    pub crowded_ip: u32,
    /// More friends than this came from one device lately.
    pub per_device: u32,
    /// What that weighs.
    pub crowded_device: u32,
    /// The advocate brought more friends than this lately.
    pub per_advocate: u32,
    /// What that weighs.
    pub busy_advocate: u32,
    /// The short while, in minutes.
    pub burst_minutes: u32,
    /// The advocate brought more friends than this within it.
    pub per_burst: u32,
    /// What that weighs.
    pub burst: u32,
}

impl Default for SignalRules {
    /// The same means of payment or e-mail address blocks; the same device or address is looked
    /// at; so is an eleventh friend from one network address within seven days.
    fn default() -> Self {
        Self {
            review_at: 50,
            block_at: 100,
            same_device: 60,
            same_payment: 100,
            same_address: 50,
            same_email: 100,
            same_name: 30,
            same_ip: 20,
            friends_alike: 50,
            window_days: 7,
            per_ip: 10,
            crowded_ip: 60,
            per_device: 2,
            crowded_device: 60,
            per_advocate: 20,
            busy_advocate: 50,
            burst_minutes: 60,
            per_burst: 5,
            burst: 50,
        }
    }
}

impl EvidenceKind {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// Two friends who share this may be one person.
    pub fn names_one(self) -> bool {
        matches!(self, Self::Device | Self::Payment | Self::Email)
    }
}

impl Evidence {
    /// What is known of one kind.
    pub fn of(&self, kind: EvidenceKind) -> Option<&str> {
        self.0.iter().find(|(k, _)| *k == kind).map(|(_, hash)| hash.as_str())
    }
}

impl SignalRules {
    /// What "lately" means.
    pub fn window(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.window_days))
    }

    /// The short while.
    pub fn short_while(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.burst_minutes))
    }

    /// The reasons that apply.
    pub fn weigh(&self, seen: &Seen) -> Vec<Signal> {
        use EvidenceKind as E;
        use SignalKind as S;
        let shares = |kind: E| seen.shared.contains(&kind);
        let more = |count: i64, limit: u32| count > i64::from(limit);
        let all = [
            (S::SameDevice, self.same_device, shares(E::Device)),
            (S::SamePayment, self.same_payment, shares(E::Payment)),
            (S::SameAddress, self.same_address, shares(E::Address)),
            (S::SameEmail, self.same_email, shares(E::Email)),
            (S::SameName, self.same_name, shares(E::Name)),
            (S::SameIp, self.same_ip, shares(E::Ip)),
            (
                S::FriendsAlike,
                self.friends_alike,
                seen.among_friends.iter().any(|kind| kind.names_one()),
            ),
            (S::CrowdedIp, self.crowded_ip, more(seen.from_ip, self.per_ip)),
            (S::CrowdedDevice, self.crowded_device, more(seen.from_device, self.per_device)),
            (S::BusyAdvocate, self.busy_advocate, more(seen.by_advocate, self.per_advocate)),
            (S::Burst, self.burst, more(seen.in_burst, self.per_burst)),
        ];
        let applies = |(kind, weight, holds): (SignalKind, u32, bool)| {
            (holds && weight > 0).then_some(Signal { kind, weight })
        };
        all.into_iter().filter_map(applies).collect()
    }

    /// What they come to.
    pub fn verdict(&self, signals: &[Signal]) -> Verdict {
        match signals.iter().map(|signal| signal.weight).sum::<u32>() {
            _ if flawed!(SecondAccount) => Verdict::Allow,
            score if score >= self.block_at => Verdict::Block,
            score if score >= self.review_at => Verdict::Review,
            _ => Verdict::Allow,
        }
    }

    /// Why these rules are not sound.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let weights = [
            self.same_device,
            self.same_payment,
            self.same_address,
            self.same_email,
            self.same_name,
            self.same_ip,
            self.friends_alike,
            self.crowded_ip,
            self.crowded_device,
            self.busy_advocate,
            self.burst,
        ];
        match () {
            () if weights.iter().any(|weight| *weight > 1_000) => {
                Some("lets a reason against a referral weigh more than 1,000")
            }
            () if self.review_at == 0 || self.block_at < self.review_at => {
                Some("blocks referrals before they are reviewed, or reviews them without a reason")
            }
            () if self.window_days > 366 || self.burst_minutes > 7 * 24 * 60 => {
                Some("counts referrals over more than 366 days, or bursts over more than a week")
            }
            () => None,
        }
    }
}
