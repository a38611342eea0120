//! The ledger as an auditor sees it.

use crate::fixture::Service;
use perennial_proto::identity::v1::ActivityKind;
use perennial_proto::loyalty::v1::audit_service_client::AuditServiceClient;
use perennial_proto::loyalty::v1::{
    Entry, GetHeadRequest, GetHeadResponse, HoldRequest, ListLedgerRequest, ReverseRequest,
    VerifyLedgerRequest, VerifyLedgerResponse, VoidRequest,
};
use sea_orm::ConnectionTrait;
use tonic::transport::Channel;

fn audit(service: &Service) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(service.suite.channel())
}

async fn head(service: &Service) -> GetHeadResponse {
    audit(service).get_head(GetHeadRequest {}).await.unwrap().into_inner()
}

async fn verify(service: &Service, from_seq: i64, to_seq: i64) -> VerifyLedgerResponse {
    let request = VerifyLedgerRequest { from_seq, to_seq };
    audit(service).verify_ledger(request).await.unwrap().into_inner()
}

async fn run(service: &Service, statements: &[String]) {
    let db = service.database().await;
    let tx = db.begin().await.unwrap();
    for statement in statements {
        tx.execute_unprepared(statement).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
}

/// A bit of everything: entries of most kinds, with every column set somewhere.
async fn busy() -> Service {
    let service = Service::start().await;
    service.tell("ann", ActivityKind::Purchase, "p1", "o1", 60_000);
    service.suite.settle().await;
    let spent = service.spend("ann", 100).await.unwrap();
    let request = HoldRequest {
        user_id: "ann".to_owned(),
        points: 50,
        reason: "gift".to_owned(),
        source: "shop".to_owned(),
        source_event_id: "h1".to_owned(),
        ..Default::default()
    };
    let hold = service.points().hold(request).await.unwrap().into_inner();
    let request = VoidRequest { hold_id: hold.hold_id, ..Default::default() };
    service.points().void(request).await.unwrap();
    let request = ReverseRequest {
        entry_id: spent.entry_id,
        points: 40,
        cause: "r1".to_owned(),
        ..Default::default()
    };
    service.points().reverse(request).await.unwrap();
    service.earn("bob", 10).await;
    service
}

#[tokio::test]
async fn entries_are_chained_and_the_head_is_the_last() {
    let service = busy().await;
    let request = ListLedgerRequest { after_seq: 0, page_size: 4 };
    let page = audit(&service).list_ledger(request).await.unwrap().into_inner();
    assert_eq!((page.entries.len(), page.next_after_seq, page.hash_from_seq), (4, 4, 1));
    let request = ListLedgerRequest { after_seq: 4, page_size: 4 };
    let rest = audit(&service).list_ledger(request).await.unwrap().into_inner();
    assert_eq!(rest.next_after_seq, 0);
    let entries: Vec<Entry> = page.entries.into_iter().chain(rest.entries).collect();
    let head = head(&service).await;
    let last = entries.last().unwrap();
    assert_eq!((head.seq, &head.hash), (last.seq, &last.hash));
    let mut hashes: Vec<&[u8]> = entries.iter().map(|entry| entry.hash.as_slice()).collect();
    assert!(hashes.iter().all(|hash| hash.len() == 32));
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), entries.len());

    let whole = verify(&service, 0, 0).await;
    assert_eq!((whole.entries, whole.last_seq, whole.more), (head.seq, head.seq, false));
    assert_eq!((whole.last_hash, whole.violations), (head.hash, Vec::<String>::new()));
    let part = verify(&service, 3, 4).await;
    assert_eq!((part.entries, part.last_seq, part.more), (2, 4, true));
    assert_eq!(part.violations, Vec::<String>::new());
    assert_eq!(part.last_hash, entries[3].hash);
    service.assert_sound().await;
}

#[tokio::test]
async fn what_is_answered_carries_the_hash_that_is_kept() {
    let service = Service::start().await;
    let entry = service.earn("ann", 10).await;
    assert_eq!(entry.hash, head(&service).await.hash);
}

/// Columns and what another hand makes of them; each changes at least one row.
const CHANGES: [(&str, &str); 26] = [
    ("entries", "id = (SELECT id FROM events LIMIT 1) WHERE seq = 2"),
    ("entries", "user_id = 'eve' WHERE seq = 2"),
    ("entries", "kind = 10 WHERE seq = 2"),
    ("entries", "kind = 99 WHERE seq = 2"),
    ("entries", "points = 99 WHERE seq = 2"),
    ("entries", "issuer = issuer - 1, reversed = reversed + 1 WHERE seq = 1"),
    ("entries", "available = available + 1, redeemed = redeemed - 1 WHERE seq = 2"),
    ("entries", "escrow = 1, reversed = -1 WHERE seq = 2"),
    ("entries", "debt = 1, expired = -1 WHERE seq = 2"),
    ("entries", "held = held + 1 WHERE seq = 3"),
    ("entries", "available_after = available_after + 1 WHERE seq = 2"),
    ("entries", "reverses = NULL WHERE reverses IS NOT NULL"),
    ("entries", "hold_id = NULL WHERE seq = 4"),
    ("entries", "source = 'shopp' WHERE seq = 3"),
    ("entries", "source_event_id = 'h2' WHERE seq = 3"),
    ("entries", "reason = 'gifts' WHERE seq = 3"),
    ("entries", "rule = 'generosity' WHERE seq = 1"),
    ("entries", "rule_version = '2' WHERE seq = 1"),
    ("entries", "facts = '{\"order\":\"o2\"}' WHERE seq = 1"),
    ("entries", "occurred_at = expires_at WHERE seq = 1"),
    ("entries", "recorded_at = (SELECT expires_at FROM entries WHERE seq = 1) WHERE seq = 6"),
    ("entries", "expires_at = NULL WHERE seq = 1"),
    ("entries", "hash = (SELECT hash FROM entries WHERE seq = 1) WHERE seq = 2"),
    ("allocations", "points = points + 1 WHERE entry_seq = 2"),
    ("allocations", "place = 1 WHERE entry_seq = 2"),
    ("allocations", "entry_seq = 1 WHERE entry_seq = 2"),
];

#[tokio::test]
async fn no_column_can_be_changed_unnoticed() {
    let service = busy().await;
    let tables = ["entries", "allocations"];
    let keep = tables.map(|table| format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
    run(&service, &keep).await;
    let restore: Vec<String> = tables
        .iter()
        .flat_map(|table| {
            [
                format!("DELETE FROM {table}"),
                format!("INSERT INTO {table} SELECT * FROM kept_{table}"),
            ]
        })
        .collect();
    let other_lot = "lot_id = (SELECT id FROM lots WHERE user_id = 'bob') WHERE entry_seq = 2";
    for (table, change) in CHANGES.into_iter().chain([("allocations", other_lot)]) {
        run(&service, &[format!("UPDATE {table} SET {change}")]).await;
        let found = service.check().await;
        assert!(
            found.iter().any(|f| f.starts_with("I11:") || f.starts_with("I6:")),
            "{table} {change}: {found:?}"
        );
        run(&service, &restore).await;
        assert_eq!(service.check().await, Vec::<String>::new(), "{change}");
    }
}

/// The control: what nothing else depends on can be changed at will where there is no chain.
#[tokio::test]
async fn without_the_chain_a_changed_reason_goes_unnoticed() {
    let service = busy().await;
    let tamper = ["UPDATE entries SET reason = 'gifts' WHERE seq = 4".to_owned()];
    run(&service, &tamper).await;
    let found = service.check().await;
    assert_eq!(found, ["I11: entry 4 is not what its hash says"]);
    let unchained = [
        "UPDATE ledger_head SET hash_from_seq = seq + 1, hash = substr(hash, 1, 0)".to_owned(),
        "UPDATE entries SET hash = substr(hash, 1, 0)".to_owned(),
    ];
    run(&service, &unchained).await;
    assert_eq!(service.check().await, Vec::<String>::new());
}

/// A database from before the chain goes on with one that begins after what is there.
#[tokio::test]
async fn a_chain_that_begins_later_cannot_be_moved() {
    let service = busy().await;
    let unchained = [
        "UPDATE ledger_head SET hash_from_seq = seq + 1, hash = substr(hash, 1, 0)".to_owned(),
        "UPDATE entries SET hash = substr(hash, 1, 0)".to_owned(),
    ];
    run(&service, &unchained).await;
    let first = head(&service).await.seq + 1;
    service.earn("bob", 1).await;
    service.earn("bob", 2).await;
    assert_eq!(head(&service).await.hash_from_seq, first);
    service.assert_sound().await;
    // Leaving the first link out makes the next one wrong.
    let moved = [
        "UPDATE ledger_head SET hash_from_seq = hash_from_seq + 1".to_owned(),
        format!("UPDATE entries SET hash = substr(hash, 1, 0) WHERE seq = {first}"),
    ];
    run(&service, &moved).await;
    let found = service.check().await;
    assert_eq!(found, [format!("I11: entry {} is not what its hash says", first + 1)]);
}

/// The second program, which shares no code with the first, agrees.
#[tokio::test]
async fn the_independent_verifier_agrees_and_notices() {
    let service = busy().await;
    let head = head(&service).await;
    let export = exported(&service).await;
    let kept = format!("{}:{}", head.seq, hex::encode(&head.hash));
    let (sound, said) = verifier(&export, &kept);
    assert!(sound && said.contains(&kept), "{said}");
    let (sound, said) = verifier(&export.replace("gift", "loan"), &kept);
    assert!(!sound && said.contains("entry 3 is not what its hash says"), "{said}");
}

/// What grpcurl would print of ListLedger: the mapping of protobuf to JSON.
async fn exported(service: &Service) -> String {
    let request = ListLedgerRequest::default();
    let page = audit(service).list_ledger(request).await.unwrap().into_inner();
    let entries: Vec<String> = page.entries.iter().map(json).collect();
    format!("{{\"entries\":[{}],\"hashFromSeq\":\"{}\"}}", entries.join(","), page.hash_from_seq)
}

fn json(entry: &Entry) -> String {
    let at = |time: &Option<prost_types::Timestamp>| time.map(|time| time.to_string());
    let legs = entry.legs.as_ref().unwrap();
    let uses = entry.allocations.iter();
    let uses = uses.map(|u| serde_json::json!({"lotId": u.lot_id, "points": u.points.to_string()}));
    serde_json::json!({
        "entryId": entry.entry_id, "seq": entry.seq.to_string(), "userId": entry.user_id,
        "kind": entry.kind().as_str_name(), "points": entry.points.to_string(),
        "legs": {
            "issuer": legs.issuer.to_string(), "available": legs.available.to_string(),
            "escrow": legs.escrow.to_string(), "debt": legs.debt.to_string(),
            "redeemed": legs.redeemed.to_string(), "expired": legs.expired.to_string(),
            "reversed": legs.reversed.to_string(), "transfer": legs.transfer.to_string(),
        },
        "held": entry.held.to_string(), "allocations": uses.collect::<Vec<_>>(),
        "availableAfter": entry.available_after.to_string(), "reverses": entry.reverses,
        "holdId": entry.hold_id, "source": entry.source, "sourceEventId": entry.source_event_id,
        "reason": entry.reason, "rule": entry.rule, "ruleVersion": entry.rule_version,
        "facts": entry.facts, "occurTime": at(&entry.occur_time),
        "recordTime": at(&entry.record_time), "expireTime": at(&entry.expire_time),
        "activateTime": at(&entry.activate_time), "transferId": entry.transfer_id,
        "hash": base64(&entry.hash),
    })
    .to_string()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
        let n = n << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[usize::try_from(n >> (18 - 6 * place) & 63).unwrap()];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn verifier(export: &str, head: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.json");
    std::fs::write(&file, export).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/verify-ledger.py");
    let run = std::process::Command::new("python3")
        .args([script, file.to_str().unwrap(), "--head", head])
        .output()
        .unwrap();
    let said = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8(said).unwrap())
}
