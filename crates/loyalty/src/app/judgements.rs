//! What the rules of points made of something a member did: told, and computed again.

use super::App;
use crate::domain::judgement::{Judgement, NoPoints, recompute};
use crate::domain::tier::Deal;
use crate::domain::{Entry, Refusal};
use crate::store::{accounts, entries, judgements};
use perennial_platform::Result;
use perennial_platform::db::Tx;

/// How something is named that may have earned points.
pub(crate) enum Event<'a> {
    /// A source and its id of the event.
    Named(&'a str, &'a str),
    /// A purchase, by its order.
    Order(&'a str),
}

/// What is known of an event.
pub(crate) struct Answer {
    /// What the rule read and decided, when a rule judged.
    pub(crate) judgement: Option<Judgement>,
    /// What it came to, or why to nothing.
    pub(crate) outcome: Result<Entry, NoPoints>,
    /// What the facts give now.
    pub(crate) recomputed: i64,
}

impl App {
    /// What an event earned, or why nothing. Errors: NOT_FOUND / MEMBER_NOT_FOUND.
    pub(crate) async fn explain_event(&self, user: &str, event: Event<'_>) -> Result<Answer> {
        let conn = self.db.read();
        let account = accounts::find(conn, user).await?.ok_or(Refusal::MemberNotFound)?;
        let judgement = match event {
            Event::Named(source, event) => {
                judgements::find(conn, Deal::id_for(source, event)).await?
            }
            Event::Order(order) => judgements::of_order(conn, user, order).await?,
        };
        if let Some(judgement) = judgement.filter(|judgement| judgement.user == user) {
            let outcome = match judgement.outcome {
                Ok(entry) => Ok(self.entry(entry).await?),
                Err(reason) => Err(reason),
            };
            let recomputed = recompute(&judgement.rule, &judgement.facts).unwrap_or(0);
            return Ok(Answer { judgement: Some(judgement), outcome, recomputed });
        }
        // What was asked for by a call, or judged before judgements were kept.
        let entry = match event {
            Event::Named(source, event) => entries::of_event(conn, user, source, event).await?,
            Event::Order(_) => None,
        };
        let nothing = match account.closed_at {
            Some(_) => NoPoints::MemberClosed,
            None => NoPoints::UnknownEvent,
        };
        let recomputed = entry.as_ref().map_or(0, |entry| {
            recompute(&entry.origin.rule, &entry.origin.facts).unwrap_or(entry.points)
        });
        Ok(Answer { judgement: None, outcome: entry.ok_or(nothing), recomputed })
    }
}

/// Fractions of points that are kept are those that the judgements add up to.
pub(crate) async fn check(tx: &Tx) -> Result<Vec<String>> {
    let (kept, rebuilt) = (judgements::kept(tx).await?, judgements::rebuilt(tx).await?);
    let missing = rebuilt.iter().filter(|one| !kept.contains(one));
    let odd = kept.iter().filter(|one| !rebuilt.contains(one));
    let violation = |(user, den, num): &judgements::Carried| {
        format!("I12: the fraction {num}/{den} of {user} is not what the judgements add up to")
    };
    Ok(missing.chain(odd).take(100).map(violation).collect())
}
