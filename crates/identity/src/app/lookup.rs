//! Answers about one user at this moment, and pages of stored answers.

use super::{Identity, gather};
use crate::domain::activity::{Kind, Recorded};
use crate::domain::evaluation::Evaluation;
use crate::domain::facts::Standing;
use crate::domain::lifecycle::Segment;
use crate::domain::risk::Grade;
use crate::domain::user::User;
use crate::store::activities::{self, Filter};
use crate::store::{figures, memberships, users};
use chrono::{DateTime, Utc};
use perennial_platform::Result;
use uuid::Uuid;

/// What the rules say about a user now.
#[derive(Debug, Clone)]
pub struct Live {
    /// When it was looked at.
    pub time: DateTime<Utc>,
    /// What is known.
    pub standing: Standing,
    /// What follows from it.
    pub evaluation: Evaluation,
    /// When it becomes something else by itself.
    pub next_change: Option<DateTime<Utc>>,
}

impl Identity {
    /// Evaluates a user now. Errors: NOT_FOUND / USER_NOT_FOUND or USER_ERASED.
    pub async fn live(&self, user_id: &str) -> Result<Live> {
        let time = self.clock.now();
        let user = self.user(user_id).await?;
        let mut facts = gather(self.db.read(), &self.evaluator, time, &[user]).await?;
        // One user in, one set of facts out.
        let facts = facts.swap_remove(0);
        let evaluation = self.evaluator.evaluate(&facts, time);
        let next_change = self.evaluator.next_change(&facts, time);
        Ok(Live { time, standing: facts.standing, evaluation, next_change })
    }

    /// Members of a segment after an id, ordered by id, with the time they entered.
    pub async fn members(
        &self,
        segment: Segment,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<(String, DateTime<Utc>)>> {
        memberships::page(self.db.read(), segment, after, limit).await
    }

    /// The size of every segment, and the number of users.
    pub async fn count_members(&self) -> Result<([(Segment, i64); 4], i64)> {
        let counts = memberships::counts(self.db.read()).await?;
        let size = |segment: Segment| (segment, counts.get(segment.key()).copied().unwrap_or(0));
        Ok((Segment::ALL.map(size), figures::users(self.db.read()).await?))
    }

    /// Users of a grade after an id, ordered by id.
    pub async fn graded(&self, grade: Grade, after: Option<&str>, limit: u64) -> Result<Vec<User>> {
        users::graded(self.db.read(), grade, after, limit).await
    }

    /// Activities of a user, latest first. Errors: NOT_FOUND / USER_NOT_FOUND or USER_ERASED.
    pub async fn activities(
        &self,
        user_id: &str,
        window: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        kinds: Vec<Kind>,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Recorded>> {
        self.user(user_id).await?;
        let (start, end) = window;
        let filter = Filter { user_id: user_id.to_owned(), start, end, kinds };
        activities::page(self.db.read(), &filter, after, limit).await
    }
}
