//! The forms that strings can be asked to have (`perennial.options.v1.Format`).

use std::str::FromStr;

/// A form a string must have; see options.proto for what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in options.proto")]
pub enum Format {
    Unspecified,
    Key,
    TimeZone,
    Locale,
    Currency,
    Email,
    Phone,
    Url,
    Date,
    TimeOfDay,
    Id,
}

impl Format {
    /// Whether a non-empty string has this form; if not, what was expected.
    pub fn matches(self, s: &str) -> Result<(), &'static str> {
        let (ok, expected) = match self {
            Self::Unspecified => (true, ""),
            Self::Key => {
                (key(s), "must be 1 to 128 characters of A-Z, a-z, 0-9 and . _ : @ / + = -")
            }
            Self::TimeZone => (
                chrono_tz::Tz::from_str(s).is_ok(),
                "must be an IANA time zone such as Asia/Shanghai",
            ),
            Self::Locale => (locale(s), "must be a language tag such as zh-CN or en"),
            Self::Currency => (
                s.len() == 3 && s.bytes().all(|b| b.is_ascii_uppercase()),
                "must be an ISO 4217 code such as CNY",
            ),
            Self::Email => (email(s), "must be one e-mail address"),
            Self::Phone => (phone(s), "must be a number in E.164 form such as +8613800000000"),
            Self::Url => (
                s.starts_with("https://") || s.starts_with("http://"),
                "must be an http or https address",
            ),
            Self::Date => (date(s), "must be a calendar day as YYYY-MM-DD"),
            Self::TimeOfDay => (time_of_day(s), "must be a time as HH:MM"),
            Self::Id => (id(s), "must be an identifier made by this suite"),
        };
        if ok { Ok(()) } else { Err(expected) }
    }
}

fn key(s: &str) -> bool {
    s.len() <= 128 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:@/+=-".contains(&b))
}

fn locale(s: &str) -> bool {
    s.len() <= 35
        && s.split('-').enumerate().all(|(i, part)| {
            let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
            let word = part.bytes().all(|b| b.is_ascii_alphanumeric());
            if i == 0 {
                (2..=8).contains(&part.len()) && letters
            } else {
                (1..=8).contains(&part.len()) && word
            }
        })
}

/// The part before the @ at most 64 bytes, the domain at most 255 and with a dot-separated
/// form (RFC 5321 4.5.3.1); no attempt at quoted local parts.
fn email(s: &str) -> bool {
    let Some((local, domain)) = s.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[]\\,;:\"@".contains(c);
    (1..=64).contains(&local.len())
        && (1..=255).contains(&domain.len())
        && local.chars().all(plain)
        && domain.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

fn phone(s: &str) -> bool {
    s.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

fn date(s: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        s.get(range).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?.parse::<u32>().ok()
    };
    if s.len() != 10 || &s.as_bytes()[4..5] != b"-" || &s.as_bytes()[7..8] != b"-" {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(5..7), digits(8..10)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn time_of_day(s: &str) -> bool {
    let Some((hour, minute)) = s.split_once(':') else { return false };
    let within = |part: &str, limit: u32| {
        part.len() == 2
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|n| n < limit)
    };
    within(hour, 24) && within(minute, 60)
}

fn id(s: &str) -> bool {
    s.rsplit_once('_').is_some_and(|(prefix, hex)| {
        !prefix.is_empty()
            && prefix.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            && hex.len() == 32
            && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn forms_accept_and_refuse() {
        let cases = [
            (Format::Key, "order-17:a@b/c", true),
            (Format::Key, "with space", false),
            (Format::TimeZone, "America/New_York", true),
            (Format::TimeZone, "Mars/Base", false),
            (Format::Locale, "zh-Hans-CN", true),
            (Format::Locale, "z", false),
            (Format::Currency, "cny", false),
            (Format::Email, "li.lei@example.cn", true),
            (Format::Email, "a@b@c", false),
            (Format::Email, "a b@c.d", false),
            (Format::Phone, "+8613800000000", true),
            (Format::Phone, "13800000000", false),
            (Format::Date, "2024-02-29", true),
            (Format::Date, "2023-02-29", false),
            (Format::Date, "2023-1-01", false),
            (Format::Date, "20é3-01-1", false),
            (Format::TimeOfDay, "23:59", true),
            (Format::TimeOfDay, "24:00", false),
            (Format::Id, "tkt_0123456789abcdef0123456789abcdef", true),
            (Format::Id, "tkt_0123", false),
        ];
        for (format, text, expected) in cases {
            assert_eq!(format.matches(text).is_ok(), expected, "{format:?} {text}");
        }
    }
}
