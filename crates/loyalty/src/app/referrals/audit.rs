//! Do the invariants of referrals hold on the data as it is?

use super::{CAUSE, step_of};
use crate::domain::Time;
use crate::domain::referral::Referral;
use crate::store::{grants, referrals};
use perennial_platform::Result;
use perennial_platform::db::Tx;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Rows read at once.
const PAGE: u64 = 500;

/// Checks that who brought whom is a forest, that each step was given to an advocate once, and
/// that nothing was given without as many friends having counted. Returns the violations.
pub(crate) async fn check(tx: &Tx) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    let mut above: HashMap<String, String> = HashMap::new();
    let mut counted: HashMap<String, u32> = HashMap::new();
    let mut after = Uuid::nil();
    loop {
        let page = referrals::page(tx, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id.uuid();
        for referral in page {
            violations.extend(faults(&referral));
            if referral.qualified_at.is_some() {
                *counted.entry(referral.advocate.clone()).or_default() += 1;
            }
            if above.insert(referral.friend.clone(), referral.advocate).is_some() {
                violations.push(format!("I17: {} has two advocates", referral.friend));
            }
        }
    }
    violations.extend(circles(&above));
    violations.extend(steps(tx, &counted).await?);
    Ok(violations)
}

fn faults(referral: &Referral) -> Vec<String> {
    let id = referral.id;
    let mut faults = Vec::new();
    if id != Referral::id_for(&referral.friend) {
        faults.push(format!("I17: {id} is not the referral of {}", referral.friend));
    }
    if referral.qualified_at.is_some() && referral.order.is_none() {
        faults.push(format!("I17: {id} counted without an order"));
    }
    if referral.counted.is_some() && referral.counts_from().is_none() {
        faults.push(format!("I17: {id} counts as a recommendation, but not as a friend"));
    }
    faults
}

/// Whoever is above themselves.
fn circles(above: &HashMap<String, String>) -> Vec<String> {
    let mut sound: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for start in above.keys() {
        let mut path: HashSet<&str> = HashSet::new();
        let mut at = start.as_str();
        while !sound.contains(at) && path.insert(at) {
            match above.get(at) {
                Some(next) => at = next,
                None => break,
            }
        }
        // The walk ended where it had been before, and nothing was known of it: a circle.
        if !sound.contains(at) && above.contains_key(at) {
            found.push(format!("I17: {at} is above themselves"));
        }
        sound.extend(path);
    }
    found
}

async fn steps(tx: &Tx, counted: &HashMap<String, u32>) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    let mut given: HashMap<(String, u32), (Time, String)> = HashMap::new();
    let mut after = Uuid::nil();
    loop {
        let page = grants::page_of_kind(tx, CAUSE, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id.uuid();
        for grant in page {
            let Some(step) = step_of(&grant.cause_id) else {
                violations.push(format!("I17: {} was given for no step", grant.id));
                continue;
            };
            if counted.get(&grant.user).copied().unwrap_or(0) < step {
                violations.push(format!("I17: {} has step {step} without friends", grant.user));
            }
            let (user, once) = (grant.user.clone(), (grant.granted_at, grant.rule_version));
            if given.insert((user, step), once.clone()).is_some_and(|before| before != once) {
                violations.push(format!("I17: {} was given step {step} twice", grant.user));
            }
        }
    }
    Ok(violations)
}
