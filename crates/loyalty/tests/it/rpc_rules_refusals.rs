//! What may not be done with rules, and why.

use crate::fixture::{Service, fields, refusal};
use crate::rpc_rules::{activate, announce, client, edited, proposal, text, whole};
use chrono::TimeDelta;
use perennial_platform::time;
use perennial_proto::loyalty::v1::*;
use prost_types::Value;
use prost_types::value::Kind;
use tonic::Code;

#[tokio::test]
async fn what_is_refused_says_why() {
    let service = Service::start().await;
    let mut rules = edited(&service, "2", &[("check_in_points", whole(6))]).await;
    let sound = rules.clone();
    rules.fields.insert("no_such_term".to_owned(), whole(1));
    rules.fields.insert("valid_months".to_owned(), Value { kind: Some(Kind::NumberValue(0.5)) });
    rules.fields.insert("effective_from".to_owned(), text("2020-01-01T00:00:00Z"));
    let named = fields(client(&service).propose_rules(proposal(rules)).await);
    assert_eq!(named, ["rules.valid_months", "rules.no_such_term", "rules.effective_from"]);
    let silly = edited(&service, "2", &[("valid_months", whole(5_000))]).await;
    assert_eq!(fields(client(&service).propose_rules(proposal(silly)).await), ["rules"]);
    let unnamed = proposal(edited(&service, "", &[]).await);
    assert_eq!(fields(client(&service).propose_rules(unnamed).await), ["rules.version"]);
    let known = proposal(edited(&service, "1", &[]).await);
    let answer = client(&service).propose_rules(known).await;
    assert_eq!(refusal(answer), (Code::AlreadyExists, "RULE_VERSION_EXISTS".to_owned()));
    let stamp = |days| Some(time::to_proto(service.now() + TimeDelta::days(days)));
    let crossed = ProposeRulesRequest {
        effective_new: stamp(2),
        effective_existing: stamp(1),
        ..proposal(sound.clone())
    };
    assert_eq!(fields(client(&service).propose_rules(crossed).await), ["effective_existing"]);

    let unknown = (Code::NotFound, "RULE_VERSION_NOT_FOUND".to_owned());
    assert_eq!(refusal(announce(&service, "9").await), unknown);
    assert_eq!(refusal(activate(&service, "9").await), unknown);
    let state = (Code::FailedPrecondition, "RULE_STATE".to_owned());
    let in_ten_days = ProposeRulesRequest { effective_new: stamp(10), ..proposal(sound) };
    client(&service).propose_rules(in_ten_days).await.unwrap();
    assert_eq!(refusal(activate(&service, "2").await), state);
    let own = AnnounceRulesRequest {
        version: "2".to_owned(),
        approver: "pia".to_owned(),
        ..Default::default()
    };
    assert_eq!(refusal(client(&service).announce_rules(own).await).1, "SAME_PERSON");
    announce(&service, "2").await.unwrap();
    assert_eq!(refusal(announce(&service, "2").await), state);
    let third = edited(&service, "3", &[("check_in_points", whole(7))]).await;
    client(&service).propose_rules(proposal(third)).await.unwrap();
    assert_eq!(refusal(announce(&service, "3").await).1, "ANOTHER_ANNOUNCED");
    activate(&service, "2").await.unwrap();
    announce(&service, "3").await.unwrap();
    assert_eq!(refusal(activate(&service, "3").await).1, "RULES_OUT_OF_ORDER");
    service.wait_days(10);
    activate(&service, "3").await.unwrap();
    let withdraw = WithdrawRulesRequest { version: "3".to_owned(), ..Default::default() };
    assert_eq!(refusal(client(&service).withdraw_rules(withdraw).await), state);
    let later =
        DryRunRulesRequest { version: "2".to_owned(), as_of: stamp(1), ..Default::default() };
    assert_eq!(fields(client(&service).dry_run_rules(later).await), ["as_of"]);
    let nobody = ListPromisesRequest { user_id: "nobody".to_owned() };
    let answer = client(&service).list_promises(nobody).await;
    assert_eq!(refusal(answer), (Code::NotFound, "MEMBER_NOT_FOUND".to_owned()));
    service.assert_sound().await;
}
