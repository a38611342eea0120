//! Figures about messages.

use super::App;
use crate::store::reports::{self, Outcome};
use chrono::{DateTime, Utc};
use perennial_platform::{Error, Result};

impl App {
    /// Counts of the messages planned for a half-open period, by what became of them. Errors:
    /// INVALID_ARGUMENT when it ends before it starts.
    pub async fn outcomes(
        &self,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> Result<Vec<Outcome>> {
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            return Err(Error::invalid("end_time", "must not lie before start_time"));
        }
        reports::outcomes(self.db.read(), from, to).await
    }
}
