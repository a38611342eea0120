//! The ledger as everybody can read it, held against what the callers saw.

use super::history::{Done, History, MEMBERS, Seen, member};
use perennial_proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_proto::loyalty::v1::{Entry, EntryKind, GetStatementRequest, Legs};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tonic::Code;
use tonic::transport::Channel;

/// All entries of all members, by their places. Holds may still run out meanwhile; then it is read
/// again.
pub(super) async fn read(points: PointsServiceClient<Channel>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for _ in 0..5 {
        entries = read_once(points.clone()).await;
        if entries.last().map_or(0, |last| last.seq) == i64::try_from(entries.len()).unwrap() {
            break;
        }
    }
    entries
}

async fn read_once(points: PointsServiceClient<Channel>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for number in 0..MEMBERS {
        let mut page_token = String::new();
        loop {
            let (user_id, page_size) = (member(number), 500);
            let request = GetStatementRequest { user_id, page_size, page_token, as_of: None };
            let page = match points.clone().get_statement(request).await {
                Ok(page) => page.into_inner(),
                Err(status) if status.code() == Code::NotFound => break,
                Err(status) => panic!("{status:?}"),
            };
            entries.extend(page.entries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    entries.sort_by_key(|entry| entry.seq);
    entries
}

/// Everything that is wrong; empty when nothing is.
pub(super) fn findings(history: &History, entries: &[Entry]) -> Vec<String> {
    let mut findings = history.findings.clone();
    let states = replay(entries, &mut findings);
    acknowledged(&history.done, entries, &mut findings);
    in_real_time(&history.done, &mut findings);
    balances(history, &states, &mut findings);
    findings
}

/// What a member has after an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct State {
    seq: i64,
    available: i64,
    held: i64,
    debt: i64,
}

/// Every state that every member was ever in, by replaying the ledger from its beginning.
fn replay(entries: &[Entry], findings: &mut Vec<String>) -> BTreeMap<String, Vec<State>> {
    let mut states: BTreeMap<String, Vec<State>> = BTreeMap::new();
    let mut programme = Legs::default();
    for (place, entry) in entries.iter().enumerate() {
        let legs = entry.legs.unwrap_or_default();
        if usize::try_from(entry.seq) != Ok(place + 1) {
            findings.push(format!("place {} holds entry {}", place + 1, entry.seq));
        }
        if sum(&legs) != 0 {
            findings.push(format!("the legs of entry {} are not balanced", entry.seq));
        }
        let known = states.entry(entry.user_id.clone()).or_default();
        let before = known.last().copied().unwrap_or_default();
        let after = State {
            seq: entry.seq,
            available: before.available + legs.available,
            held: before.held + entry.held,
            debt: before.debt - legs.debt,
        };
        if after.available != entry.available_after {
            findings
                .push(format!("entry {} says {}, not {after:?}", entry.seq, entry.available_after));
        }
        if after.held < 0 || after.debt < 0 || after.available < after.held {
            findings.push(format!("after entry {} a member has {after:?}", entry.seq));
        }
        known.push(after);
        programme.issuer += legs.issuer;
        programme.redeemed += legs.redeemed;
        programme.expired += legs.expired;
        programme.reversed += legs.reversed;
        programme.transfer += legs.transfer;
    }
    let last = states.values().filter_map(|known| known.last());
    let members: i64 = last.map(|state| state.available - state.debt).sum();
    let gone = programme.redeemed + programme.expired + programme.reversed;
    if -programme.issuer != gone + members || programme.transfer != 0 {
        findings.push(format!("members have {members}, the programme {programme:?}"));
    }
    states
}

fn sum(legs: &Legs) -> i64 {
    let own = legs.available + legs.escrow + legs.debt + legs.transfer;
    own + legs.issuer + legs.redeemed + legs.expired + legs.reversed
}

/// Every acknowledged entry is there once, as it was told; nothing else is but what the ledger
/// does by itself and the receivers' side of gifts.
fn acknowledged(done: &[Done], entries: &[Entry], findings: &mut Vec<String>) {
    let mut told: HashMap<&str, &Entry> = HashMap::new();
    for one in done {
        if told.insert(&one.entry.entry_id, &one.entry).is_some() {
            findings.push(format!("{} was acknowledged to two calls", one.entry.entry_id));
        }
    }
    let own = [EntryKind::Timeout, EntryKind::Expire, EntryKind::SetOff, EntryKind::TransferIn];
    for entry in entries {
        match told.remove(entry.entry_id.as_str()) {
            Some(first) if first == entry => {}
            Some(first) => findings.push(format!("{entry:?} was told as {first:?}")),
            None if own.contains(&entry.kind()) => {}
            None => findings.push(format!("nobody was told of {entry:?}")),
        }
    }
    findings.extend(told.values().map(|entry| format!("{entry:?} was acknowledged and is lost")));
}

/// An entry that was acknowledged before a call was sent comes before that call's entry.
fn in_real_time(done: &[Done], findings: &mut Vec<String>) {
    let mut sent: Vec<&Done> = done.iter().collect();
    sent.sort_by_key(|one| one.sent);
    let mut answered: Vec<&Done> = done.iter().collect();
    answered.sort_by_key(|one| one.answered);
    let (mut next, mut reached) = (0, 0);
    for one in sent {
        while next < answered.len() && answered[next].answered < one.sent {
            reached = reached.max(answered[next].entry.seq);
            next += 1;
        }
        if one.entry.seq <= reached {
            findings.push(format!("entry {} was sent after {reached} was known", one.entry.seq));
        }
    }
}

/// A balance is the member's at some place of the ledger, not before what was acknowledged when
/// it was asked for.
fn balances(history: &History, states: &BTreeMap<String, Vec<State>>, findings: &mut Vec<String>) {
    let none = Vec::new();
    for seen in &history.seen {
        let known = states.get(&seen.user).unwrap_or(&none);
        let before = history.done.iter().filter(|one| one.answered < seen.sent);
        let mine = before.filter(|one| one.entry.user_id == seen.user);
        let from = mine.map(|one| one.entry.seq).max().unwrap_or(0);
        let fits = |state: &&State| {
            // What fell due counts for a reader before it is written down: held points may pay off a
            // debt. That leaves the difference as it is.
            state.seq >= from && state.available - state.debt == seen.net
        };
        let at_first = from == 0 && seen.net == 0;
        if !at_first && !known.iter().any(|state| fits(&state)) {
            findings.push(format!("{seen:?} never stood in the ledger from entry {from} on"));
        }
    }
}

/// Histories that lie are found out, each by its own check; one that does not is not.
pub(super) fn control() {
    let entry = |seq, points, after| Entry {
        entry_id: format!("ent_{seq}"),
        seq,
        user_id: member(0),
        kind: EntryKind::Earn.into(),
        points,
        legs: Some(Legs { issuer: -points, available: points, ..Legs::default() }),
        available_after: after,
        ..Entry::default()
    };
    let at = Duration::from_secs;
    let entries = vec![entry(1, 5, 5), entry(2, 7, 12)];
    let done = |one: &Entry, sent, answered| Done { sent, answered, entry: one.clone() };
    let truth = || History {
        done: vec![done(&entries[0], at(1), at(2)), done(&entries[1], at(3), at(4))],
        seen: vec![Seen { sent: at(5), user: member(0), net: 12 }],
        ..History::default()
    };
    assert_eq!(findings(&truth(), &entries), Vec::<String>::new());
    let found = |history: &History, entries: &[Entry]| !findings(history, entries).is_empty();
    let mut stale = truth();
    stale.seen[0].net = 5;
    assert!(found(&stale, &entries), "a stale balance");
    let mut swapped = truth();
    swapped.done[1].answered = at(1);
    swapped.done[1].sent = at(0);
    swapped.done[0].sent = at(2);
    assert!(found(&swapped, &entries), "an order that contradicts real time");
    assert!(found(&truth(), &entries[..1]), "a lost entry");
    let mut unknown = truth();
    unknown.done.pop();
    assert!(found(&unknown, &entries), "an entry that nobody knows of");
    let mut lost = entries.clone();
    lost[1].available_after = 7;
    assert!(found(&truth(), &lost), "a lost update");
}
