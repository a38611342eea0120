//! How long something takes, in the words of a message.

use chrono::TimeDelta;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Smallest step of minutes: nobody is told 13 minutes.
const STEP: i64 = 5;

/// A span rounded up, so that no more is promised than will be kept: "15 minutes" (in steps of
/// five, up to 90), "24 hours" (up to 48), "3 days". The number is always above one and the unit
/// one of these three words, which templates in other languages replace by their own.
pub fn rounded_up(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    let up = |unit: i64| (seconds + unit - 1) / unit;
    if seconds <= 90 * MINUTE {
        format!("{} minutes", STEP * up(STEP * MINUTE).max(1))
    } else if seconds <= 48 * HOUR {
        format!("{} hours", up(HOUR))
    } else {
        format!("{} days", up(DAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_up_to_figures_that_people_use() {
        let cases = [
            (-5, "5 minutes"),
            (1, "5 minutes"),
            (15 * MINUTE, "15 minutes"),
            (15 * MINUTE + 1, "20 minutes"),
            (90 * MINUTE, "90 minutes"),
            (90 * MINUTE + 1, "2 hours"),
            (DAY, "24 hours"),
            (2 * DAY, "48 hours"),
            (2 * DAY + 1, "3 days"),
            (7 * DAY, "7 days"),
        ];
        for (seconds, words) in cases {
            assert_eq!(rounded_up(TimeDelta::seconds(seconds)), words, "{seconds} s");
        }
    }
}
