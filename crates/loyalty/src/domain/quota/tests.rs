use super::*;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

#[test]
fn the_few_may_come_earlier() {
    let rule = QuotaRule {
        key: "launch".to_owned(),
        places: 2,
        min_tier: Tier::Gold,
        per_member: 1,
        open_from: Some(at("2026-01-10T00:00:00Z")),
        early_hours: 48,
        ..QuotaRule::default()
    };
    let quota = Quota::fresh(&rule, "");
    let now = at("2026-01-08T00:00:00Z");
    assert_eq!(rule.admits(now, Tier::Diamond, 0, &quota), Ok(()));
    assert_eq!(
        rule.admits(now, Tier::Gold, 0, &quota),
        Err(QuotaRefusal::NotOpenYet(at("2026-01-10T00:00:00Z")))
    );
    let later = at("2026-01-10T00:00:00Z");
    assert_eq!(rule.admits(later, Tier::Gold, 0, &quota), Ok(()));
    assert_eq!(
        rule.admits(later, Tier::Silver, 0, &quota),
        Err(QuotaRefusal::TierTooLow(Tier::Gold))
    );
    assert_eq!(rule.admits(later, Tier::Gold, 1, &quota), Err(QuotaRefusal::LimitReached(1)));
    let full = Quota { taken: 2, ..quota };
    assert_eq!(rule.admits(later, Tier::Gold, 0, &full), Err(QuotaRefusal::NoPlacesLeft));
}

#[test]
fn fewer_places_take_nothing_away() {
    let rule = QuotaRule { key: "q".to_owned(), places: 3, ..QuotaRule::default() };
    let mut quota = Quota { taken: 5, places: 10, ..Quota::fresh(&rule, "") };
    quota.follow(&rule);
    assert_eq!(quota.places, 5);
    assert_eq!(
        rule.admits(Time::UNIX_EPOCH, Tier::Ordinary, 0, &quota),
        Err(QuotaRefusal::NoPlacesLeft)
    );
}

#[test]
fn months_are_local() {
    let rule = QuotaRule { key: "q".to_owned(), period: Period::Month, ..QuotaRule::default() };
    let month = |text| rule.period_at(at(text), chrono_tz::Asia::Shanghai);
    assert_eq!(month("2026-01-31T15:59:59Z"), "2026-01");
    assert_eq!(month("2026-01-31T16:00:00Z"), "2026-02");
}

#[test]
fn a_claim_ends_once() {
    let held_until = at("2026-01-05T00:15:00Z");
    let claim = Claim {
        id: ClaimId::derived("c"),
        user: "ann".to_owned(),
        key: "q".to_owned(),
        quota: "q".to_owned(),
        state: ClaimState::Held,
        number: 1,
        claimed_at: at("2026-01-05T00:00:00Z"),
        held_until,
        resolved_at: None,
        rule_version: "1".to_owned(),
    };
    let mut late = claim.clone();
    assert_eq!(late.use_up(held_until), Err(QuotaRefusal::TimedOut));
    assert_eq!(late.give_back(held_until), Err(QuotaRefusal::TimedOut));
    let mut used = claim;
    used.use_up(at("2026-01-05T00:01:00Z")).unwrap();
    assert_eq!(used.use_up(held_until), Err(QuotaRefusal::Used));
    assert_eq!(used.state_at(held_until), ClaimState::Used);
    used.give_back(held_until).unwrap();
    assert_eq!(used.give_back(held_until), Err(QuotaRefusal::Returned));
}
