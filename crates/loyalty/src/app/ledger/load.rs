//! What a batch needs to know, read with a fixed number of statements however many commands
//! there are.

use crate::domain::command::EarnPending;
use crate::domain::{Book, Command, Entry, EntryId, HoldId, LotId, Time};
use crate::store::{accounts, entries, holds, lots};
use perennial_platform::Result;
use sea_orm::ConnectionTrait;
use std::collections::{BTreeSet, HashMap};

/// What commands refer to.
#[derive(Default)]
pub(super) struct Wanted {
    /// Members who only earn: their accounts are enough.
    earners: BTreeSet<String>,
    /// Members whose lots and due holds are needed as well.
    whole: BTreeSet<String>,
    /// Entries that may have been posted before, by their business events.
    repeated: BTreeSet<EntryId>,
    /// Entries to be taken back or activated.
    reversed: BTreeSet<EntryId>,
    holds: BTreeSet<HoldId>,
}

impl Wanted {
    pub(super) fn of(users: &[String]) -> Self {
        Self { whole: users.iter().cloned().collect(), ..Self::default() }
    }

    pub(super) fn by(commands: &[Command]) -> Self {
        let mut wanted = Self::default();
        for command in commands {
            match command {
                Command::Earn(c) => {
                    wanted.earners.insert(c.user.clone());
                    wanted.repeated.extend((!c.origin.event.is_empty()).then_some(c.id));
                }
                Command::Spend(c) => {
                    wanted.whole.insert(c.user.clone());
                    wanted.repeated.extend((!c.origin.event.is_empty()).then_some(c.id));
                }
                Command::Hold(c) => {
                    wanted.whole.insert(c.user.clone());
                    wanted.repeated.extend((!c.origin.event.is_empty()).then_some(c.id));
                }
                Command::Capture(c) => wanted.holds.extend([c.hold]),
                Command::Void(c) => wanted.holds.extend([c.hold]),
                Command::Reverse(c) => {
                    wanted.reversed.insert(c.entry);
                    wanted.repeated.insert(c.id);
                }
                Command::EarnPending(c) => {
                    wanted.earners.insert(c.earn.user.clone());
                    wanted.repeated.extend((!c.earn.origin.event.is_empty()).then_some(c.earn.id));
                }
                Command::Activate(c) => wanted.reversed.extend([c.entry]),
                Command::CancelPending(c) => {
                    wanted.reversed.insert(c.entry);
                    wanted.repeated.insert(c.id);
                }
                Command::Transfer(c) => {
                    wanted.whole.extend([c.from.clone(), c.to.clone()]);
                    wanted.repeated.extend((!c.origin.event.is_empty()).then_some(c.id));
                }
                Command::Correct(c) => {
                    wanted.whole.insert(c.user.clone());
                    wanted.repeated.extend((!c.origin.event.is_empty()).then_some(c.id));
                }
            }
        }
        // Nobody can look up the member of an earning that is taken back in its own batch.
        for command in commands {
            let (Command::Earn(earn) | Command::EarnPending(EarnPending { earn, .. })) = command
            else {
                continue;
            };
            if wanted.reversed.contains(&earn.id) {
                wanted.whole.insert(earn.user.clone());
            }
        }
        wanted
    }
}

/// Reads what is wanted into the book.
pub(super) async fn load(
    conn: &impl ConnectionTrait,
    book: &mut Book,
    mut wanted: Wanted,
    now: Time,
) -> Result<()> {
    let known = load_entries(conn, &wanted).await?;
    let done = reversed_so_far(conn, &wanted.reversed).await?;
    let mut old_lots = BTreeSet::new();
    for entry in &known {
        if wanted.reversed.contains(&entry.id) {
            wanted.whole.insert(entry.user.clone());
            old_lots.extend(lots_of(entry));
        }
    }
    let named = if wanted.holds.is_empty() {
        Vec::new()
    } else {
        holds::by_id(conn, wanted.holds.iter().copied()).await?
    };
    wanted.whole.extend(named.iter().map(|hold| hold.user.clone()));
    for entry in known {
        let reversed = done.get(&entry.id).copied().unwrap_or(0);
        book.load_entry(entry, reversed);
    }
    load_members(conn, book, &wanted, now).await?;
    for hold in named {
        book.load_hold(hold);
    }
    if !old_lots.is_empty() {
        for lot in lots::by_id(conn, old_lots).await? {
            book.load_lot(lot);
        }
    }
    Ok(())
}

/// Members with everything that can be spent or is due.
pub(crate) async fn load_wallets(
    conn: &impl ConnectionTrait,
    book: &mut Book,
    users: &[String],
    now: Time,
) -> Result<()> {
    load_members(conn, book, &Wanted::of(users), now).await
}

async fn load_members(
    conn: &impl ConnectionTrait,
    book: &mut Book,
    wanted: &Wanted,
    now: Time,
) -> Result<()> {
    let users = wanted.earners.union(&wanted.whole).map(String::as_str);
    let (mut with_lots, mut with_holds) = (Vec::new(), Vec::new());
    for account in accounts::find_all(conn, users).await? {
        let whole = wanted.whole.contains(&account.user);
        let has_lots = account.available > 0 || account.escrow > 0;
        with_lots.extend((whole && has_lots).then(|| account.user.clone()));
        with_holds.extend((whole && account.held > 0).then(|| account.user.clone()));
        book.load_account(account, whole);
    }
    // The holds come before the lots: a hold that is let go in between then shows as lots that do
    // not add up, and whoever only reads tries again.
    if !with_holds.is_empty() {
        for hold in holds::due_of(conn, &with_holds, now).await? {
            book.load_hold(hold);
        }
    }
    if !with_lots.is_empty() {
        for lot in lots::open_of(conn, &with_lots).await? {
            book.load_lot(lot);
        }
    }
    Ok(())
}

async fn load_entries(conn: &impl ConnectionTrait, wanted: &Wanted) -> Result<Vec<Entry>> {
    let ids: BTreeSet<EntryId> = wanted.repeated.union(&wanted.reversed).copied().collect();
    if ids.is_empty() { Ok(Vec::new()) } else { entries::by_id(conn, ids).await }
}

async fn reversed_so_far(
    conn: &impl ConnectionTrait,
    ids: &BTreeSet<EntryId>,
) -> Result<HashMap<EntryId, i64>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    entries::reversed_of(conn, ids.iter().copied()).await
}

/// The lots that a reversal of the entry has to see, used up or not.
fn lots_of(entry: &Entry) -> Vec<LotId> {
    if entry.legs.issuer < 0 {
        return vec![LotId::from(entry.id.uuid())];
    }
    entry.allocations.iter().map(|part| part.lot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Origin;
    use crate::domain::command::{Earn, Reverse};
    use crate::domain::rules::ReversalPolicy;

    #[test]
    fn whoever_earns_and_gives_back_in_one_batch_is_read_whole() {
        let (id, other) = (EntryId::derived("earned"), EntryId::derived("other"));
        let earn = |id, user: &str| {
            Command::Earn(Earn {
                id,
                user: user.to_owned(),
                points: 10,
                occurred_at: Time::UNIX_EPOCH,
                expires_at: None,
                must_lie_ahead: false,
                origin: Origin::default(),
            })
        };
        let reverse = Command::Reverse(Reverse {
            id: EntryId::derived("reversed"),
            entry: id,
            points: None,
            up_to: false,
            policy: ReversalPolicy::Unlimited,
            expires_at: None,
            origin: Origin::default(),
        });
        let wanted = Wanted::by(&[earn(id, "ann"), earn(other, "bob"), reverse]);
        assert_eq!(wanted.whole, BTreeSet::from(["ann".to_owned()]));
    }
}
