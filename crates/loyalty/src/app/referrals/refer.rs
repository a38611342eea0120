//! Making codes, and fixing who brought whom.

use super::{message, tell};
use crate::app::App;
use crate::domain::referral::signal::EvidenceKind;
use crate::domain::referral::{
    Evidence, Referral, ReferralRules, Refused, Seen, State, Touch, Verdict, code,
};
use crate::domain::{Refusal, Time};
use crate::store::{accounts, facts, referrals};
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::loyalty::v1 as proto;
use std::collections::HashSet;

/// A friend who was brought.
pub(crate) struct NewReferral {
    pub(crate) friend: String,
    pub(crate) advocate: Named,
    /// When the friend followed the code; `None`: now.
    pub(crate) touched_at: Option<Time>,
    pub(crate) evidence: Evidence,
}

/// How the advocate was named.
pub(crate) enum Named {
    Code(String),
    User(String),
}

impl App {
    /// A member's code for a campaign. Errors: NOT_FOUND / MEMBER_NOT_FOUND; FAILED_PRECONDITION /
    /// MEMBER_CLOSED, LIMIT_REACHED.
    pub(crate) async fn referral_code(
        &self,
        key: Option<Key>,
        user: &str,
        campaign: &str,
        evidence: &Evidence,
    ) -> Result<Reply<proto::CreateReferralCodeResponse>> {
        // Nobody guesses it who has not the master key, and it is the same every time.
        let secret = self.vault.lookup_hash("loyalty.referral-code", &format!("{user} {campaign}"));
        let code = code::of(&secret);
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let now = self.clock.now();
            let programme = self.rules.locked(tx).await?;
            let joined_at = open_member(tx, user).await?;
            if referrals::codes::owner(tx, &code).await?.is_none() {
                let limit = programme.in_force_for(joined_at, now).referrals.codes;
                if referrals::codes::count(tx, user).await? >= u64::from(limit) {
                    let text = format!("a member has at most {limit} codes");
                    return Err(Error::precondition("LIMIT_REACHED", text).with("limit", limit));
                }
                referrals::codes::add(tx, &code, user, now).await?;
            }
            referrals::evidence::add(tx, user, evidence, None).await?;
            Ok(proto::CreateReferralCodeResponse { code: code.clone(), replayed: false })
        })
        .await
    }

    /// Fixes who brought a friend. Errors: those of ReferralService.Refer.
    pub(crate) async fn refer(
        &self,
        key: Option<Key>,
        new: &NewReferral,
    ) -> Result<Reply<proto::ReferResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let now = self.clock.now();
            let programme = self.rules.locked(tx).await?;
            let (advocate, code) = advocate(tx, &new.advocate).await?;
            let joined_at = open_member(tx, &advocate).await?;
            let friend = accounts::find(tx, &new.friend).await?;
            if friend.as_ref().is_some_and(|account| account.closed_at.is_some()) {
                return Err(Refusal::MemberClosed.into());
            }
            let version = programme.in_force_for(joined_at, now);
            let rules = &version.referrals;
            let above = above(tx, &advocate).await?;
            let touch = Touch {
                advocate: &advocate,
                friend: &new.friend,
                touched_at: new.touched_at.unwrap_or(now),
                now,
                joined_at: friend.map(|account| account.joined_at),
                bought: facts::bought(tx, &new.friend).await?,
                referred: referrals::advocate_of(tx, &new.friend).await?.is_some(),
                above: &above,
                brought: brought(tx, &advocate).await?,
            };
            touch.check(rules).map_err(refused)?;
            let seen = look(tx, rules, &touch, &new.evidence).await?;
            let referral = begin(&touch, code, rules, &seen, version.version.clone());
            accounts::enrol(tx, &new.friend, now).await?;
            let by = Some((advocate.as_str(), now));
            referrals::evidence::add(tx, &new.friend, &new.evidence, by).await?;
            referrals::save(tx, &referral).await?;
            tell(tx, now, &referral, None);
            let referral = Some(message::referral(&referral, now));
            Ok(proto::ReferResponse { referral, replayed: false })
        })
        .await
    }
}

fn begin(
    touch: &Touch<'_>,
    code: String,
    rules: &ReferralRules,
    seen: &Seen,
    version: String,
) -> Referral {
    let signals = rules.signals.weigh(seen);
    let found = rules.signals.verdict(&signals);
    let mut referral = Referral {
        id: Referral::id_for(touch.friend),
        advocate: touch.advocate.to_owned(),
        friend: touch.friend.to_owned(),
        code,
        touched_at: touch.touched_at,
        made_at: touch.now,
        version,
        found,
        signals,
        standing: found,
        waiting_since: (found == Verdict::Review).then_some(touch.now),
        review: None,
        appeal: None,
        order: None,
        buy_until: rules.buy_until(touch.registered_at()),
        friend_erased: false,
        qualified_at: None,
        reversed_at: None,
        state: State::Registered,
        counted: None,
    };
    referral.state = referral.state_at(touch.now);
    referral
}

/// The advocate, and the code as it is kept.
async fn advocate(tx: &Tx, named: &Named) -> Result<(String, String)> {
    match named {
        Named::User(user) => Ok((user.clone(), String::new())),
        Named::Code(code) => {
            let code = code.to_ascii_uppercase();
            let owner = referrals::codes::owner(tx, &code).await?;
            let owner =
                owner.ok_or_else(|| Error::not_found("CODE_NOT_FOUND", "nobody has this code"))?;
            Ok((owner, code))
        }
    }
}

/// When a member joined who was not erased.
async fn open_member(tx: &Tx, user: &str) -> Result<Time> {
    match accounts::find(tx, user).await? {
        None => Err(Refusal::MemberNotFound.into()),
        Some(account) if account.closed_at.is_some() => Err(Refusal::MemberClosed.into()),
        Some(account) => Ok(account.joined_at),
    }
}

/// Who brought somebody, who brought those, and so on to the root of their tree.
async fn above(tx: &Tx, user: &str) -> Result<Vec<String>> {
    let mut above: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    let mut next = referrals::advocate_of(tx, user).await?;
    while let Some(advocate) = next.filter(|advocate| seen.insert(advocate.clone())) {
        next = referrals::advocate_of(tx, &advocate).await?;
        above.push(advocate);
    }
    Ok(above)
}

/// Friends whom an advocate brought, those rejected left out.
async fn brought(tx: &Tx, advocate: &str) -> Result<i64> {
    let counts = referrals::counts(tx, advocate).await?;
    let held = counts.iter().filter(|(state, _)| *state != State::Rejected);
    Ok(held.map(|(_, count)| count).sum())
}

/// Looks for what speaks against a referral; the friend counts as brought already.
async fn look(
    tx: &Tx,
    rules: &ReferralRules,
    touch: &Touch<'_>,
    evidence: &Evidence,
) -> Result<Seen> {
    let before = |span| touch.now.checked_sub_signed(span).unwrap_or(Time::UNIX_EPOCH);
    let lately = before(rules.signals.window());
    let mut from = [0, 0];
    for (count, kind) in from.iter_mut().zip([EvidenceKind::Ip, EvidenceKind::Device]) {
        if let Some(hash) = evidence.of(kind) {
            let before = referrals::evidence::brought_with(tx, kind, hash, lately).await?;
            *count = 1 + if flawed!(LinkResetsLimit) { 0 } else { before };
        }
    }
    let [from_ip, from_device] = from;
    let since = before(rules.signals.short_while());
    let advocate = touch.advocate;
    Ok(Seen {
        shared: referrals::evidence::shared(tx, evidence, advocate).await?,
        among_friends: referrals::evidence::shared_among_friends(tx, evidence, advocate).await?,
        from_ip,
        from_device,
        by_advocate: 1 + referrals::brought_since(tx, advocate, lately).await?,
        in_burst: 1 + referrals::brought_since(tx, advocate, since).await?,
    })
}

fn refused(refused: Refused) -> Error {
    let text = refused.to_string();
    match refused {
        Refused::SelfReferral => Error::precondition("SELF_REFERRAL", text),
        Refused::AlreadyReferred => Error::already_exists("ALREADY_REFERRED", text),
        Refused::Cycle => Error::precondition("CYCLE", text),
        Refused::AlreadyCustomer => Error::precondition("FRIEND_ALREADY_CUSTOMER", text),
        Refused::Expired => Error::precondition("EXPIRED", text),
        Refused::LimitReached { limit } => {
            Error::precondition("LIMIT_REACHED", text).with("limit", limit)
        }
    }
}
