//! Posting: a batch of commands in one transaction, read and written set by set.
//!
//! Whoever posts locks the ledger's head first. That is the only lock, so posters cannot deadlock,
//! and entries get gapless places in the order in which they commit. What it costs, a line of
//! batches instead of a line of single commands, is what group commit makes cheap.

mod load;

use super::message;
use super::rulebook::Rulebook;
use crate::domain::{Book, Command, Entry, LotId, Notice, Programme, Refusal, Time};
use crate::store::head::{self, Head};
use crate::store::{accounts, entries, holds, lots};
use load::Wanted;
use perennial_platform::commit::Batch;
use perennial_platform::db::Tx;
use perennial_platform::{Error, Result, events};
use perennial_proto::loyalty::v1 as proto;
use std::sync::Arc;

pub(crate) use load::load_wallets;

/// The ledger's side of group commit.
pub(crate) struct Posting {
    pub(crate) rules: Arc<Rulebook>,
}

impl Batch for Posting {
    type Command = Command;
    type Answer = proto::Entry;

    async fn apply(
        &self,
        tx: &Tx,
        now: Time,
        commands: &[Command],
    ) -> Result<Vec<Result<proto::Entry>>> {
        let (now, head) = lock(tx, now).await?;
        let programme = self.rules.at(tx, head.rules).await?;
        let outcomes = carry_out(tx, &programme, now, head, commands).await?;
        let answer =
            |outcome: Result<Entry, Refusal>| outcome.map(message::entry).map_err(Error::from);
        Ok(outcomes.into_iter().map(answer).collect())
    }
}

/// Carries commands out in the transaction given; one outcome for each, in order.
pub(crate) async fn post(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    commands: &[Command],
) -> Result<Vec<Result<Entry, Refusal>>> {
    let (now, head) = lock(tx, now).await?;
    carry_out(tx, programme, now, head, commands).await
}

async fn carry_out(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    head: Head,
    commands: &[Command],
) -> Result<Vec<Result<Entry, Refusal>>> {
    let mut book = open(programme, now, &head);
    load::load(tx, &mut book, Wanted::by(commands), now).await?;
    let mut outcomes = Vec::with_capacity(commands.len());
    let mut ends = Vec::with_capacity(commands.len());
    for command in commands {
        outcomes.push(book.post(command));
        ends.push(book.last());
    }
    let head = seal(&mut book, head);
    let entry = |id| book.entry(id).cloned().ok_or(Refusal::EntryNotFound);
    let outcomes = outcomes.into_iter().map(|outcome| outcome.and_then(entry)).collect();
    write(tx, book, now, head, &ends).await?;
    Ok(outcomes)
}

/// Writes down what fell due for these members.
pub(crate) async fn settle(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    users: &[String],
) -> Result<()> {
    let (now, head) = lock(tx, now).await?;
    let mut book = open(programme, now, &head);
    load::load(tx, &mut book, Wanted::of(users), now).await?;
    for user in users {
        book.settle(user);
    }
    let head = seal(&mut book, head);
    write(tx, book, now, head, &[]).await
}

/// Ends a membership; does nothing for somebody who is no member.
pub(crate) async fn close(tx: &Tx, programme: &Programme, now: Time, user: &str) -> Result<()> {
    let (now, head) = lock(tx, now).await?;
    let mut book = open(programme, now, &head);
    load::load(tx, &mut book, Wanted::of(&[user.to_owned()]), now).await?;
    book.close(user);
    let head = seal(&mut book, head);
    write(tx, book, now, head, &[]).await
}

/// Takes note of what became of the warning for a lot's date.
pub(crate) async fn warned(
    tx: &Tx,
    programme: &Programme,
    now: Time,
    (user, lot): (&str, LotId),
    notice: Notice,
    at: Time,
) -> Result<()> {
    let (now, head) = lock(tx, now).await?;
    let mut book = open(programme, now, &head);
    load::load(tx, &mut book, Wanted::of(&[user.to_owned()]), now).await?;
    book.warned(user, lot, notice, at);
    let head = seal(&mut book, head);
    write(tx, book, now, head, &[]).await
}

/// The book at the ledger's end. Whether points need a warning is what the ledger says, not the
/// settings of this replica: while they change, some replicas still have the old ones.
fn open(programme: &Programme, now: Time, head: &Head) -> Book {
    Book::new(programme, now, head.seq).requiring_notice(head.notice_required)
}

/// The ledger's time never runs backwards, whatever replica posts.
async fn lock(tx: &Tx, now: Time) -> Result<(Time, Head)> {
    let head = head::lock(tx).await?;
    Ok((now.max(head.recorded_at), head))
}

/// Chains what was posted, before anybody is told of it.
fn seal(book: &mut Book, head: Head) -> Head {
    Head { hash: book.seal(head.hash), ..head }
}

/// `ends`: the last entry after each command of a batch, to tell whose entry is whose.
async fn write(tx: &Tx, book: Book, now: Time, head: Head, ends: &[i64]) -> Result<()> {
    let changes = book.into_changes().map_err(Error::internal)?;
    let known = head.seq;
    if let Some(last) = changes.entries.last() {
        let head = Head { seq: last.seq, recorded_at: now, ..head };
        let event = |entry: &Entry| {
            let command = ends.partition_point(|end| *end < entry.seq);
            tx.on_behalf_of(command, || message::event(entry, now))
        };
        events::append(tx, changes.entries.iter().filter_map(event));
        head::save(tx, head).await?;
        entries::append(tx, changes.entries).await?;
    }
    accounts::save(tx, changes.accounts).await?;
    lots::save(tx, changes.lots, known).await?;
    holds::save(tx, changes.holds).await
}
