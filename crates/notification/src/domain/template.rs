//! Texts of messages in several languages (product row NT-1).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One version of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Name.
    pub name: String,
    /// Counts from 1.
    pub version: i32,
    /// Locale -> text.
    pub texts: BTreeMap<String, Text>,
    /// Declared variable -> sample value.
    pub variables: BTreeMap<String, String>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// Subject and body in one language, as templates or rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

impl Template {
    /// The text for a user: their own locale, else another of the same language, else the default
    /// locale, else the first there is. `None` only for a template without texts.
    pub fn text(&self, locale: &str, default: &str) -> Option<(&str, &Text)> {
        let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_lowercase();
        let exact = |tag: &str| self.texts.iter().find(|(l, _)| l.eq_ignore_ascii_case(tag));
        let close = |tag: &str| {
            let wanted = language(tag);
            self.texts.iter().find(|(l, _)| !wanted.is_empty() && language(l) == wanted)
        };
        exact(locale)
            .or_else(|| close(locale))
            .or_else(|| exact(default))
            .or_else(|| self.texts.iter().next())
            .map(|(locale, text)| (locale.as_str(), text))
    }

    /// What is wrong with variables given for a message: (name, complaint) of each that is
    /// missing or not declared.
    pub fn complaints(&self, given: &BTreeMap<String, String>) -> Vec<(String, &'static str)> {
        let missing = self.variables.keys().filter(|name| !given.contains_key(*name));
        let strange = given.keys().filter(|name| !self.variables.contains_key(*name));
        missing
            .map(|name| (name.clone(), "is declared by the template and missing"))
            .chain(strange.map(|name| (name.clone(), "is not declared by the template")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(locales: &[&str]) -> Template {
        let text =
            |l: &&str| ((*l).to_owned(), Text { subject: (*l).to_owned(), body: String::new() });
        Template {
            name: "t".to_owned(),
            version: 1,
            texts: locales.iter().map(text).collect(),
            variables: [("points".to_owned(), "1".to_owned())].into(),
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_closest_language_is_taken() {
        let template = template(&["en", "zh-CN"]);
        let taken = |locale| template.text(locale, "zh-CN").unwrap().0.to_owned();
        assert_eq!(taken("zh-cn"), "zh-CN");
        assert_eq!(taken("zh-TW"), "zh-CN");
        assert_eq!(taken("en-GB"), "en");
        assert_eq!(taken("fr"), "zh-CN");
        assert_eq!(taken(""), "zh-CN");
        assert_eq!(self::template(&["de"]).text("fr", "zh-CN").unwrap().0, "de");
    }

    #[test]
    fn variables_must_be_exactly_those_declared() {
        let given = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
        let complaints = template(&["en"]).complaints(&given);
        assert_eq!(complaints.iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["points", "tier"]);
    }
}
