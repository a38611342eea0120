//! The operator's check finds what somebody's hand in the tables has broken: each thing it can say,
//! it says for some damage, and for each damage it names these invariants and no other.

mod world;

use crate::fixture::Service;
use sea_orm::ConnectionTrait;
use std::path::Path;
use world::World;

/// What was done by hand, and every invariant that the check then finds broken.
type Damage = (&'static str, &'static [&'static str]);

/// To accounts, lots, holds, and to the ledger itself.
const LEDGER: &[Damage] = &[
    ("UPDATE members SET issued = issued + 1 WHERE user_id = 'ann'", &["I1", "I12", "I4"]),
    (
        "UPDATE members SET redeemed = redeemed - 1, transferred = transferred + 1
            WHERE user_id = 'ann'",
        &["I1", "I12"],
    ),
    (
        "UPDATE members SET available = available + 1 WHERE user_id = 'ann'",
        &["I1", "I12", "I4", "I5"],
    ),
    ("UPDATE members SET issued = issued + 1, redeemed = redeemed + 1", &["I12"]),
    ("DELETE FROM members WHERE user_id = 'cid'", &["I12", "I5"]),
    ("UPDATE entries SET redeemed = redeemed + 1 WHERE kind = 2", &["I11", "I12", "I2"]),
    ("UPDATE entries SET transfer_id = NULL WHERE kind = 15", &["I11", "I12", "I2"]),
    ("DELETE FROM entries WHERE kind = 15", &["I11", "I12", "I2", "I5", "I6"]),
    (
        "UPDATE entries SET available = available - 5000, redeemed = redeemed + 5000
            WHERE kind = 2",
        &["I11", "I12", "I3", "I6"],
    ),
    ("UPDATE lots SET remaining = remaining - 1 WHERE user_id = 'bob'", &["I5"]),
    ("UPDATE lots SET held = remaining + 1 WHERE user_id = 'cid'", &["I5"]),
    ("UPDATE lots SET pending = 1, remaining = remaining - 1 WHERE user_id = 'bob'", &["I5"]),
    ("UPDATE lots SET earned_at = expires_at WHERE user_id = 'bob'", &["I12"]),
    ("DELETE FROM lots WHERE user_id = 'cid'", &["I12", "I5"]),
    (
        "UPDATE allocations SET points = points + 1
            WHERE entry_seq = (SELECT MIN(seq) FROM entries WHERE kind = 2)",
        &["I11", "I13", "I5", "I6"],
    ),
    (
        "UPDATE allocations SET entry_seq = entry_seq + 1000000
            WHERE entry_seq = (SELECT MIN(seq) FROM entries WHERE kind = 2)",
        &["I11", "I13", "I5", "I6"],
    ),
    (
        "UPDATE allocations SET place = place + 1
            WHERE entry_seq = (SELECT MIN(seq) FROM entries WHERE kind = 2)",
        &["I6"],
    ),
    (
        "UPDATE allocations SET lot_id = (SELECT id FROM lots WHERE user_id = 'bob' AND amount = 10)
            WHERE entry_seq = (SELECT MIN(seq) FROM entries WHERE kind = 3)",
        &["I11", "I13"],
    ),
    ("UPDATE entries SET source_event_id = 'p9' WHERE seq = 1", &["I11", "I7"]),
    (
        "UPDATE entries SET id = (SELECT one.id FROM entries one WHERE one.seq = 1) WHERE seq = 2",
        &["I11", "I7"],
    ),
    ("UPDATE entries SET hold_id = NULL WHERE kind = 3", &["I11", "I5", "I9"]),
    (
        "UPDATE entries SET hold_id = (SELECT one.hold_id FROM entries one WHERE one.kind = 4)
            WHERE kind = 5",
        &["I11", "I5", "I9"],
    ),
    ("UPDATE entries SET held = held + 1 WHERE kind = 4", &["I11", "I12", "I9"]),
    ("UPDATE holds SET state = 3", &["I9"]),
    ("UPDATE holds SET points = points + 1", &["I9"]),
    ("DELETE FROM holds", &["I12"]),
    ("UPDATE entries SET points = 9 WHERE kind = 9", &["I10", "I11"]),
    (
        "UPDATE entries SET seq = seq + 1 WHERE seq = (SELECT MAX(one.seq) FROM entries one)",
        &["I11", "I5", "I6"],
    ),
    (
        "DELETE FROM entries WHERE seq = (SELECT MAX(one.seq) FROM entries one)",
        &["I11", "I12", "I5", "I6"],
    ),
    (
        "UPDATE entries SET kind = 99 WHERE seq = (SELECT MAX(one.seq) FROM entries one)",
        &["I11", "I12", "I5", "I6"],
    ),
    (
        "UPDATE entries SET recorded_at = (SELECT MIN(one.recorded_at) FROM entries one)
            WHERE seq = (SELECT MAX(one.seq) FROM entries one)",
        &["I11"],
    ),
    ("UPDATE entries SET reason = 'x' WHERE kind = 6", &["I11"]),
    ("UPDATE entries SET available_after = available_after + 1 WHERE seq = 2", &["I11"]),
    ("UPDATE entries SET facts = ' ' || facts WHERE seq = 1", &["I11"]),
    ("UPDATE ledger_head SET hash_from_seq = 2", &["I11"]),
    ("UPDATE ledger_head SET seq = seq + 1", &["I11"]),
    ("UPDATE ledger_head SET hash = (SELECT hash FROM entries WHERE seq = 1)", &["I11"]),
    ("UPDATE entries SET points = points + 1 WHERE rule = 'check-in'", &["I11", "I12"]),
    ("UPDATE remainders SET num = num + 1", &["I12"]),
    ("DELETE FROM remainders", &["I12"]),
    ("UPDATE entries SET reason = '' WHERE kind = 7", &["I11", "I14"]),
    ("UPDATE entries SET reason = 'HANDED_OVER' WHERE kind = 7", &["I11", "I14"]),
    (
        "UPDATE entries SET expires_at = NULL WHERE kind = 1 AND user_id = 'cid' AND seq < 10",
        &["I11", "I12", "I14"],
    ),
];

/// To tiers, rules and what members reached.
const STANDING: &[Damage] = &[
    ("UPDATE standings SET tier = 4 WHERE user_id = 'ann'", &["I15"]),
    ("UPDATE standings SET changes = changes + 1 WHERE user_id = 'ann'", &["I15"]),
    ("UPDATE tier_changes SET spend = spend + 1", &["I15"]),
    ("UPDATE tier_changes SET rule_version = '2'", &["I15", "I18"]),
    ("UPDATE rule_versions SET announced_at = NULL WHERE version = '2'", &["I18"]),
    ("UPDATE rule_versions SET effective_existing = announced_at WHERE version = '2'", &["I18"]),
    ("DELETE FROM rule_notices WHERE user_id = 'ann'", &["I18"]),
    ("UPDATE entries SET rule_version = '2' WHERE rule = 'check-in'", &["I11", "I18"]),
    ("UPDATE streaks SET state = '{}'", &["I12"]),
    ("UPDATE streaks SET rewarded = '{}'", &["I12"]),
    (
        "UPDATE progress_days SET local_date = '2020-01-01'
            WHERE local_date = (SELECT MAX(one.local_date) FROM progress_days one)",
        &["I12"],
    ),
    ("UPDATE tallies SET done = done + 1", &["I12"]),
    ("UPDATE tallies SET completed_at = NULL", &["I12"]),
    ("UPDATE tallies SET goal = goal + 1 WHERE completed_at IS NOT NULL", &["I12"]),
    ("DELETE FROM grants WHERE id IN (SELECT grant_id FROM badges)", &["I12"]),
];

/// To benefits, referrals and memberships.
const AREAS: &[Damage] = &[
    ("UPDATE redemptions SET points = points + 1", &["I4"]),
    ("UPDATE redemptions SET state = 2", &["I10"]),
    ("UPDATE coupons SET user_id = 'zoe'", &["I7"]),
    ("UPDATE grants SET revoked_at = granted_at WHERE id IN (SELECT id FROM coupons)", &["I9"]),
    ("UPDATE incidents SET granted = granted + 1", &["I7"]),
    ("UPDATE grants SET user_id = 'ann' WHERE cause = 'compensation'", &["I7"]),
    ("UPDATE set_asides SET paid = paid + 100000 WHERE reverses IS NOT NULL", &["I10", "I12"]),
    ("UPDATE set_asides SET amount = amount + 1 WHERE reverses IS NULL", &["I12"]),
    ("UPDATE quotas SET places = 0", &["I16"]),
    ("UPDATE quotas SET taken = taken - 1", &["I16"]),
    ("UPDATE quotas SET accepted = accepted - 1", &["I16"]),
    ("UPDATE referrals SET friend_id = 'gus' WHERE friend_id = 'fay'", &["I17"]),
    ("UPDATE referrals SET order_id = NULL", &["I17"]),
    ("UPDATE referrals SET qualified_at = NULL, standing = 2", &["I17"]),
    ("UPDATE referrals SET advocate_id = 'gus' WHERE friend_id = 'fay'", &["I17"]),
    ("UPDATE grants SET cause_id = 'x' WHERE cause = 'referral'", &["I17"]),
    (
        "UPDATE grants SET cause = 'referral', cause_id = 'step-1' WHERE cause = 'compensation'",
        &["I17", "I7"],
    ),
    ("UPDATE memberships SET user_id = 'ann'; UPDATE membership_time SET kind = 1", &["I19"]),
    ("UPDATE membership_payouts SET id = (SELECT id FROM entries WHERE seq = 1)", &["I19"]),
    (
        "UPDATE membership_time SET starts_at = (SELECT MIN(one.starts_at) FROM membership_time one)",
        &["I19"],
    ),
    (
        "UPDATE membership_charges SET covers_from = NULL, covers_until = NULL WHERE state = 2",
        &["I19"],
    ),
    ("DELETE FROM membership_time", &["I19"]),
    ("DELETE FROM membership_notices", &["I19"]),
    ("UPDATE membership_charges SET amount = amount + 1", &["I19"]),
    ("UPDATE membership_charges SET paid_at = noticed_at WHERE paid_at IS NOT NULL", &["I19"]),
    ("UPDATE membership_payouts SET amount = 1", &["I19"]),
    (
        "UPDATE membership_charges SET state = 3, paid_at = NULL
            WHERE id IN (SELECT id FROM membership_payouts)",
        &["I19"],
    ),
];

#[tokio::test]
async fn each_damage_is_found_for_what_it_is_and_nothing_the_check_can_say_is_idle() {
    let world = World::start().await;
    let mut wrong = Vec::new();
    let mut all = Vec::new();
    for (statement, broken) in [LEDGER, STANDING, AREAS].concat() {
        let found = world.after(statement).await;
        let mut ids: Vec<&str> = found.iter().filter_map(|f| f.split(':').next()).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids != broken {
            wrong.push(format!("{statement}: {found:#?}"));
        }
        all.extend(found);
    }
    assert_eq!(world.check().await, Vec::<String>::new(), "mended again");
    let said = sayings();
    assert!(said.len() > 60, "only {} findings in the code", said.len());
    let idle = said.iter().filter(|one| !all.iter().any(|found| says(found, one)));
    wrong.extend(idle.map(|one| format!("nothing makes the check say {one:?}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What can never be seen in the data as it is: what was acknowledged and is gone without a trace
/// (I8), and what a read answered (I20).
const UNSEEN: [&str; 2] = ["I8", "I20"];

#[test]
fn every_invariant_has_its_damage() {
    let named: Vec<&str> = [LEDGER, STANDING, AREAS]
        .concat()
        .iter()
        .flat_map(|(_, ids)| ids.iter().copied())
        .collect();
    for id in (1..=20).map(|n| format!("I{n}")) {
        assert!(named.contains(&id.as_str()) != UNSEEN.contains(&id.as_str()), "{id}");
    }
}

/// Every finding in the code, as it is written there.
fn sayings() -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<String>) {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("\"I").skip(1) {
                let number = part.trim_start_matches(|c: char| c.is_ascii_digit());
                if number.len() < part.len() && number.starts_with(": ") {
                    found.push(format!("I{}", part.split('"').next().unwrap()));
                }
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// Whether a finding is one of these: the fixed parts stand in it in this order.
fn says(found: &str, template: &str) -> bool {
    let mut rest = found;
    template.split('{').enumerate().all(|(n, part)| {
        let fixed = if n == 0 { part } else { part.split_once('}').map_or("", |(_, rest)| rest) };
        let at = rest.find(fixed);
        rest = at.map_or("", |at| &rest[at + fixed.len()..]);
        at.is_some()
    })
}

#[tokio::test]
async fn unbalanced_legs_are_refused_by_the_table_itself() {
    let service = Service::start().await;
    service.earn("ann", 10).await;
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    assert!(tx.execute_unprepared("UPDATE entries SET available = 11").await.is_err());
    tx.rollback().await.unwrap();
    db.close().await;
}
