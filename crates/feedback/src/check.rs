//! What must be true of the data on disk, whatever crashed.

use crate::config::Config;
use crate::domain::kinds::{ClockKind, PromiseState};
use crate::domain::ticket::{Change, Ticket};
use crate::ids::{FeedbackId, TicketId};
use crate::store::{customers, feedback, messages, search, tickets};
use chrono::{DateTime, Utc};
use perennial_platform::db::Db;
use perennial_platform::error::Result;
use std::collections::{BTreeSet, HashSet};

/// Rows looked at in one go.
const BATCH: u64 = 500;

/// Every invariant that the data breaks, in words; empty when all is well. Reads only, and may
/// run beside the service:
///
/// - every feedback has exactly one ticket, every ticket a feedback of the same user;
/// - the searchable state of tickets and clocks is what a replay of their events gives;
/// - a breach is told at most once for a promise, only of promises that were broken, and of every
///   promise that was fulfilled late;
/// - no words are kept of a customer who has no key.
///
/// None of them depends on the settings or the time, which every service's check is given: the
/// promises made are kept with their ticket.
pub async fn check(_: &Config, db: &Db, _: DateTime<Utc>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    check_feedback(db, &mut found).await?;
    check_tickets(db, &mut found).await?;
    check_erasure(db, &mut found).await?;
    Ok(found)
}

async fn check_feedback(db: &Db, found: &mut Vec<String>) -> Result<()> {
    let mut after: Option<FeedbackId> = None;
    loop {
        let batch = feedback::scan(db.read(), after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = Some(last.id);
        let ids: Vec<_> = batch.iter().map(|record| record.id).collect();
        let tickets = search::of_feedback(db.read(), &ids).await?;
        let without = batch.iter().filter(|record| !tickets.contains_key(&record.id));
        found.extend(without.map(|record| format!("{} has no ticket", record.id)));
    }
}

async fn check_tickets(db: &Db, found: &mut Vec<String>) -> Result<()> {
    let mut after: Option<TicketId> = None;
    loop {
        let batch = search::scan(db.read(), after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = Some(*last);
        if check_batch(db, &batch).await?.is_empty() {
            continue;
        }
        // A ticket that changes while we look at it only seems wrong: look again.
        for id in batch {
            found.extend(check_batch(db, &[id]).await?);
        }
    }
}

async fn check_batch(db: &Db, ids: &[TicketId]) -> Result<Vec<String>> {
    let records = tickets::load(db.read(), ids).await?;
    let mut wrong = tickets::differences(db.read(), &records).await?;
    let said: Vec<_> = records.iter().map(|record| record.feedback_id).collect();
    let users = feedback::users(db.read(), &said).await?;
    for record in &records {
        let id = record.id;
        match users.get(&record.feedback_id) {
            None => wrong.push(format!("{id} has no feedback")),
            Some(user) if *user != record.user_id => {
                wrong.push(format!("{id} belongs to another user than its feedback"));
            }
            Some(_) => {}
        }
        wrong.extend(breaches(&record.ticket).into_iter().map(|text| format!("{id}: {text}")));
    }
    Ok(wrong)
}

/// What is wrong with the breaches told of a ticket.
fn breaches(ticket: &Ticket) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut told: HashSet<(ClockKind, i32)> = HashSet::new();
    for event in &ticket.events {
        match event.change {
            // Other promises: a breach that they take back may come again.
            Change::PlanApplied(_) => told.clear(),
            Change::Breached(kind, instance) if !told.insert((kind, instance)) => {
                wrong.push(format!("breach of {kind:?} {instance} was told twice"));
            }
            _ => {}
        }
    }
    for clock in &ticket.clocks {
        let name = format!("{:?} {}", clock.kind(), clock.instance);
        let last = ticket.events.iter().map(|event| event.at).max().unwrap_or(clock.start);
        let broken = clock.state(last) == PromiseState::Breached;
        // The telling of a breach takes effect at the due time, and may be the last event.
        let overdue = clock.open() && clock.due().is_some_and(|due| due <= last);
        if clock.breached && !broken && !overdue {
            wrong.push(format!("breach of {name} was told, but it is not broken"));
        }
        if !clock.open() && broken && !clock.breached {
            wrong.push(format!("{name} was fulfilled late, but no breach was told"));
        }
    }
    wrong
}

async fn check_erasure(db: &Db, found: &mut Vec<String>) -> Result<()> {
    let mut after = String::new();
    loop {
        let mut users = feedback::authors_of_words(db.read(), &after, BATCH).await?;
        users.extend(messages::authors_of_texts(db.read(), &after, BATCH).await?);
        users.sort_unstable();
        users.dedup();
        users.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
        let Some(last) = users.last() else { return Ok(()) };
        let names: BTreeSet<&str> = users.iter().map(String::as_str).collect();
        let keyless = customers::keyless(db.read(), &names).await?;
        found.extend(keyless.iter().map(|user| format!("words of {user} are kept without a key")));
        after.clone_from(last);
    }
}
