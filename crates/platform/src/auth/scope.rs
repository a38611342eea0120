//! Scopes a caller holds: one, all below a prefix, or all.

use std::str::FromStr;

use perennial_proto::METHODS;

use crate::error::{Code, Error};

/// A held scope: `loyalty.points.write`, `loyalty.*` or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    One(String),
    /// Everything that starts with this, the dot included; empty for `*`.
    Below(String),
}

impl Scope {
    pub(super) const EVERYTHING: Self = Self::Below(String::new());

    /// Whether holding this is enough where `required` is asked for.
    pub(super) fn covers(&self, required: &str) -> bool {
        match self {
            Self::One(held) => held == required,
            Self::Below(prefix) => required.starts_with(prefix.as_str()),
        }
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let segment = |s: &str| {
            !s.is_empty()
                && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let named = |s: &str| s.split('.').all(segment);
        let refused = |why: &str| {
            let message = format!("the scope {text:?} {why}");
            Error::new(Code::InvalidArgument, "AUTH_CONFIG", message).with("scope", text)
        };
        let scope = match text.strip_suffix('*') {
            Some("") => Self::EVERYTHING,
            Some(prefix) if prefix.strip_suffix('.').is_some_and(named) => {
                Self::Below(prefix.to_owned())
            }
            None if named(text) => Self::One(text.to_owned()),
            _ => return Err(refused("must be like loyalty.points.write, loyalty.* or *")),
        };
        // A scope that opens nothing is a slip of the pen that would show as PERMISSION_DENIED.
        let mut known = METHODS.iter().map(|method| method.scope).chain([super::REFLECTION_SCOPE]);
        if known.any(|required| scope.covers(required)) {
            Ok(scope)
        } else {
            Err(refused("covers no method of the contract"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(held: &str, required: &str) -> bool {
        held.parse::<Scope>().unwrap().covers(required)
    }

    #[test]
    fn a_wildcard_ends_at_a_dot() {
        assert!(covers("loyalty.points.write", "loyalty.points.write"));
        assert!(!covers("loyalty.points.write", "loyalty.points.write_all"));
        assert!(covers("loyalty.*", "loyalty.points.write"));
        assert!(!covers("loyalty.*", "loyalty_old.points.write"));
        assert!(covers("*", "admin.clock.write"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            ".",
            "loyalty*",
            ".*",
            "Loyalty.*",
            "*.read",
            "a..b",
            "loyalty.**",
            // Well formed, but it opens nothing.
            "loyalty.points",
            "loyaltee.*",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }
}
