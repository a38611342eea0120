//! Puts the facts about users together: their standing and the tiles within the rules' windows.

use crate::domain::evaluation::Evaluator;
use crate::domain::facts::Facts;
use crate::domain::user::User;
use crate::store::tiles;
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use sea_orm::ConnectionTrait;
use std::collections::HashMap;

/// The facts about each user, in the users' order: two queries, however many users.
pub(crate) async fn gather(
    conn: &impl ConnectionTrait,
    evaluator: &Evaluator,
    now: DateTime<Utc>,
    users: &[User],
) -> Result<Vec<Facts>> {
    let (first_day, first_spending) = evaluator.first_days(now);
    let ids: Vec<String> = users.iter().map(|user| user.user_id.clone()).collect();
    let days = tiles::days(conn, &ids, Some(first_day)).await?;
    let spending = tiles::spending(conn, &ids, Some(first_spending)).await?;

    let place: HashMap<&str, usize> = ids.iter().map(String::as_str).zip(0..).collect();
    let blank = |user: &User| Facts {
        standing: user.standing.clone(),
        ..Facts::new(user.standing.create_time)
    };
    let mut facts: Vec<Facts> = users.iter().map(blank).collect();
    for ((user_id, day), tile) in days {
        if let Some(place) = place.get(user_id.as_str()) {
            facts[*place].days.insert(day, tile);
        }
    }
    for ((user_id, currency, day), tile) in spending {
        if let Some(place) = place.get(user_id.as_str()) {
            facts[*place].spending.insert((currency, day), tile);
        }
    }
    Ok(facts)
}
