//! Reads a file of purchases: one a line, five columns, separated by spaces, commas, semicolons or
//! tabs: customer, customer's number in the sample (not used), day, number of items, amount paid.
//!
//! A line that cannot be read is refused with its number and the reason; the others count.

use chrono::NaiveDate;

/// One purchase of one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// Line in the file, from 1: the natural key of the purchase, so that a second replay of the
    /// same file adds nothing.
    pub line: usize,
    /// Customer, as the file calls them.
    pub customer: String,
    /// Day of the purchase; the file knows no hour.
    pub day: NaiveDate,
    /// Number of items.
    pub items: u32,
    /// What was paid, in hundredths of the currency.
    pub cents: i64,
}

/// A line that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Purchases {
    /// By day, and within a day in the order of the file.
    pub accepted: Vec<Purchase>,
    /// In the order of the file.
    pub refused: Vec<Refused>,
}

impl Purchases {
    /// The first and the last day, if there is any purchase.
    pub fn span(&self) -> Option<(NaiveDate, NaiveDate)> {
        Some((self.accepted.first()?.day, self.accepted.last()?.day))
    }
}

/// Largest amount that is believed: a million in the currency.
const MOST_CENTS: i64 = 100_000_000;

/// Reads the text of a file. Empty lines and a first line of column names are passed over.
pub fn read(text: &str) -> Purchases {
    let mut purchases = Purchases::default();
    for (index, content) in text.lines().enumerate() {
        let line = index + 1;
        let content = content.trim_start_matches('\u{feff}').trim();
        let is_heading = line == 1 && !content.bytes().any(|byte| byte.is_ascii_digit());
        if content.is_empty() || is_heading {
            continue;
        }
        match purchase(line, content) {
            Ok(purchase) => purchases.accepted.push(purchase),
            Err(reason) => purchases.refused.push(Refused { line, reason }),
        }
    }
    purchases.accepted.sort_by_key(|purchase| (purchase.day, purchase.line));
    purchases
}

fn purchase(line: usize, content: &str) -> Result<Purchase, String> {
    let separated_by_spaces = !content.contains([',', ';', '\t']);
    let columns: Vec<&str> = if separated_by_spaces {
        content.split_whitespace().collect()
    } else {
        content.split([',', ';', '\t']).map(|column| column.trim().trim_matches('"')).collect()
    };
    let &[customer, _, day, items, amount] = columns.as_slice() else {
        return Err(format!("has {} columns instead of 5", columns.len()));
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@/+=-".contains(&byte);
    if customer.is_empty() || customer.len() > 100 || !customer.bytes().all(fits) {
        return Err(format!(
            "customer {customer:?} is not a key of letters, digits and . _ : @ / + = -"
        ));
    }
    let items =
        items.parse().map_err(|_| format!("number of items {items:?} is not a whole number"))?;
    Ok(Purchase {
        line,
        customer: customer.to_owned(),
        day: date(day)?,
        items,
        cents: cents(amount)?,
    })
}

fn date(text: &str) -> Result<NaiveDate, String> {
    let format = if text.contains('-') { "%Y-%m-%d" } else { "%Y%m%d" };
    NaiveDate::parse_from_str(text, format)
        .map_err(|_| format!("day {text:?} is not a date as yyyymmdd or yyyy-mm-dd"))
}

/// "29.33" is 2,933; exact, no floating point on the way.
fn cents(text: &str) -> Result<i64, String> {
    let wrong = || format!("amount {text:?} is not a sum such as 29.33, from 0 to 1000000");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 2 || !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<2}")
        .parse()
        .ok()
        .filter(|cents| *cents <= MOST_CENTS)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Purchase {
        let mut purchases = read(line);
        assert_eq!(purchases.refused, []);
        purchases.accepted.remove(0)
    }

    #[test]
    fn a_line_of_the_sample_is_read() {
        let expected = Purchase {
            line: 1,
            customer: "00004".into(),
            day: NaiveDate::from_ymd_opt(1997, 1, 18).unwrap(),
            items: 2,
            cents: 2_973,
        };
        assert_eq!(one(" 00004 0001 19970118  2   29.73"), expected);
        assert_eq!(one("00004,0001,1997-01-18,2,29.73"), expected);
        assert_eq!(one("\"00004\";\"0001\";\"19970118\";2;29.73"), expected);
    }

    #[test]
    fn amounts_are_exact() {
        for (text, expected) in [("0.00", 0), ("7", 700), ("7.5", 750), ("1000000", MOST_CENTS)] {
            assert_eq!(cents(text), Ok(expected), "{text}");
        }
        for text in ["", ".5", "-1.00", "1.234", "1e3", "1000000.01", "99999999999999999999"] {
            assert!(cents(text).is_err(), "{text}");
        }
    }

    #[test]
    fn malformed_lines_are_refused_with_number_and_reason() {
        let purchases = read(
            "customer,n,day,items,amount\nc1,1,19970101,1,5.00\nc1,1,19970230,1,5.00\n\nc2 1 19970101 x 5\nc3\nc\u{e9},1,19970101,1,5",
        );
        assert_eq!(purchases.accepted.len(), 1);
        let found: Vec<_> = purchases
            .refused
            .iter()
            .map(|refused| (refused.line, refused.reason.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (3, "day \"19970230\" is not a date as yyyymmdd or yyyy-mm-dd"),
                (5, "number of items \"x\" is not a whole number"),
                (6, "has 1 columns instead of 5"),
                (7, "customer \"c\u{e9}\" is not a key of letters, digits and . _ : @ / + = -"),
            ]
        );
    }

    #[test]
    fn purchases_come_by_day() {
        let purchases = read("a 1 19970201 1 1.00\nb 1 19970101 1 1.00");
        let lines: Vec<usize> = purchases.accepted.iter().map(|purchase| purchase.line).collect();
        assert_eq!(lines, [2, 1]);
    }
}
