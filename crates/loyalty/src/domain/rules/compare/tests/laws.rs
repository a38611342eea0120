//! Laws of comparing.

use super::each::{GENEROUS, full};
use super::*;
use proptest::prelude::*;
use proptest::sample::subsequence;

/// Edits by their places.
fn some() -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..GENEROUS.len()).collect::<Vec<_>>(), 0..=GENEROUS.len())
}

fn edited(edits: &[usize]) -> RuleVersion {
    let mut rules = full();
    for place in edits {
        GENEROUS[*place].1(&mut rules);
    }
    rules
}

proptest! {
    #[test]
    fn what_is_compared_with_itself_does_not_differ(edits in some()) {
        let rules = edited(&edits);
        prop_assert_eq!(compare(&rules, &rules), Vec::new());
    }

    /// Some rules and others: better one way is worse the other way, and the same term by term.
    #[test]
    fn better_one_way_is_worse_the_other_way(one in some(), other in some()) {
        let (a, b) = (edited(&one), edited(&other));
        let (forth, back) = (compare(&a, &b), compare(&b, &a));
        prop_assert_eq!(forth.len(), back.len());
        let count = |changes: &[TermChange], class| {
            changes.iter().filter(|change| change.class == class).count()
        };
        prop_assert_eq!(count(&forth, Class::Better), count(&back, Class::Worse));
        prop_assert_eq!(count(&forth, Class::Worse), count(&back, Class::Better));
        let more = other.iter().any(|edit| !one.contains(edit));
        let fewer = one.iter().any(|edit| !other.contains(edit));
        let expected = match (more, fewer) {
            (false, false) => Class::Neutral,
            (true, false) => Class::Better,
            // One thing that is worse makes it worse.
            (_, true) => Class::Worse,
        };
        prop_assert_eq!(class(&forth), expected, "{:?}", forth);
    }
}
