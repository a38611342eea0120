//! What is known about a user, and how a caller changes parts of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest key and value of an attribute, in characters.
const ATTRIBUTE_KEY: usize = 64;
const ATTRIBUTE_VALUE: usize = 1_000;
/// Attributes a profile may have.
const ATTRIBUTES: usize = 50;

/// Values that are stored only under the user's own key, as one sealed piece.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the contract describes each field")]
pub struct Personal {
    pub display_name: String,
    pub email: String,
    pub phone: String,
    pub birthday: String,
    pub occupation: String,
    pub use_scenario: String,
    pub attributes: BTreeMap<String, String>,
}

/// Everything a caller can say about a user.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[expect(missing_docs, reason = "the contract describes each field")]
pub struct Details {
    pub personal: Personal,
    pub locale: String,
    pub time_zone: String,
    pub industry: String,
    pub influencer: bool,
    pub register_time: Option<DateTime<Utc>>,
    pub acquisition_channel: String,
}

/// A path of an update mask.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract's fields")]
pub enum Field {
    DisplayName,
    Email,
    Phone,
    Birthday,
    Locale,
    TimeZone,
    Industry,
    Occupation,
    UseScenario,
    Influencer,
    RegisterTime,
    AcquisitionChannel,
    Attributes,
    Attribute(String),
}

const NAMED: [(&str, Field); 13] = [
    ("display_name", Field::DisplayName),
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("birthday", Field::Birthday),
    ("locale", Field::Locale),
    ("time_zone", Field::TimeZone),
    ("industry", Field::Industry),
    ("occupation", Field::Occupation),
    ("use_scenario", Field::UseScenario),
    ("influencer", Field::Influencer),
    ("register_time", Field::RegisterTime),
    ("acquisition_channel", Field::AcquisitionChannel),
    ("attributes", Field::Attributes),
];

impl Field {
    /// The field of a path; `None` for one that is unknown or not the caller's to write.
    pub fn from_path(path: &str) -> Option<Self> {
        if let Some(key) = path.strip_prefix("attributes.") {
            return (!key.is_empty()).then(|| Self::Attribute(key.to_owned()));
        }
        NAMED.iter().find(|(name, _)| *name == path).map(|(_, field)| field.clone())
    }

    /// Every field.
    pub fn all() -> Vec<Self> {
        NAMED.map(|(_, field)| field).to_vec()
    }

    /// Name of the whole field: that of "attributes.x" is "attributes".
    fn name(&self) -> &'static str {
        let whole = if matches!(self, Self::Attribute(_)) { &Self::Attributes } else { self };
        NAMED.iter().find(|(_, field)| field == whole).map_or("", |(name, _)| name)
    }
}

impl Details {
    /// Copies the named fields from `patch` and returns the names of those that changed.
    pub fn write(&mut self, patch: &Self, fields: &[Field]) -> Vec<&'static str> {
        let mut changed: Vec<&'static str> = Vec::new();
        for field in fields {
            if self.write_one(patch, field) && !changed.contains(&field.name()) {
                changed.push(field.name());
            }
        }
        changed
    }

    fn write_one(&mut self, patch: &Self, field: &Field) -> bool {
        let (to, from) = (&mut self.personal, &patch.personal);
        match field {
            Field::DisplayName => set(&mut to.display_name, &from.display_name),
            Field::Email => set(&mut to.email, &from.email),
            Field::Phone => set(&mut to.phone, &from.phone),
            Field::Birthday => set(&mut to.birthday, &from.birthday),
            Field::Occupation => set(&mut to.occupation, &from.occupation),
            Field::UseScenario => set(&mut to.use_scenario, &from.use_scenario),
            Field::Attributes => set(&mut to.attributes, &from.attributes),
            Field::Attribute(key) => match from.attributes.get(key) {
                Some(value) => {
                    to.attributes.insert(key.clone(), value.clone()).as_ref() != Some(value)
                }
                None => to.attributes.remove(key).is_some(),
            },
            Field::Locale => set(&mut self.locale, &patch.locale),
            Field::TimeZone => set(&mut self.time_zone, &patch.time_zone),
            Field::Industry => set(&mut self.industry, &patch.industry),
            Field::Influencer => set(&mut self.influencer, &patch.influencer),
            Field::RegisterTime => set(&mut self.register_time, &patch.register_time),
            Field::AcquisitionChannel => {
                set(&mut self.acquisition_channel, &patch.acquisition_channel)
            }
        }
    }

    /// The fields that are set: what an update without a mask writes.
    pub fn populated(&self) -> Vec<Field> {
        let mut blank = Self::default();
        Field::all().into_iter().filter(|field| blank.write_one(self, field)).collect()
    }
}

impl Personal {
    /// What is wrong with the attributes: paths and descriptions.
    pub fn bad_attributes(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        if self.attributes.len() > ATTRIBUTES {
            wrong.push((
                "attributes".to_owned(),
                format!("must have at most {ATTRIBUTES} elements"),
            ));
        }
        for (key, value) in &self.attributes {
            let path = format!("attributes[{key}]");
            if key.is_empty() || key.chars().count() > ATTRIBUTE_KEY {
                let rule = format!("must have a key of 1 to {ATTRIBUTE_KEY} characters");
                wrong.push((path.clone(), rule));
            }
            if value.chars().count() > ATTRIBUTE_VALUE {
                wrong.push((path, format!("must have at most {ATTRIBUTE_VALUE} characters")));
            }
        }
        wrong
    }

    /// The e-mail address in the form in which addresses are compared.
    pub fn comparable_email(email: &str) -> String {
        email.trim().to_lowercase()
    }
}

/// Personal values print as nothing, wherever they are printed by accident.
impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal([redacted])")
    }
}

fn set<T: Clone + PartialEq>(to: &mut T, from: &T) -> bool {
    let changed = to != from;
    to.clone_from(from);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details() -> Details {
        Details {
            personal: Personal {
                email: "li@example.cn".into(),
                attributes: BTreeMap::from([("plan".into(), "pro".into())]),
                ..Personal::default()
            },
            influencer: true,
            ..Details::default()
        }
    }

    #[test]
    fn without_a_mask_the_set_fields_are_written() {
        let populated = details().populated();
        assert_eq!(populated, [Field::Email, Field::Influencer, Field::Attributes]);
        let mut target = Details { locale: "en".into(), ..Details::default() };
        assert_eq!(target.write(&details(), &populated), ["email", "influencer", "attributes"]);
        assert_eq!(target.locale, "en");
        assert!(target.write(&details(), &populated).is_empty(), "the second time changes nothing");
    }

    #[test]
    fn a_named_field_left_out_is_cleared() {
        let mut target = details();
        let fields = [Field::Email, Field::Attribute("plan".into()), Field::Attribute("x".into())];
        assert_eq!(target.write(&Details::default(), &fields), ["email", "attributes"]);
        assert_eq!(target.personal, Personal::default());
        assert!(target.influencer);
    }

    #[test]
    fn paths_are_those_of_the_contract() {
        for (name, field) in NAMED {
            assert_eq!(Field::from_path(name), Some(field.clone()));
            assert_eq!(field.name(), name);
        }
        assert_eq!(Field::from_path("attributes.plan"), Some(Field::Attribute("plan".into())));
        for path in ["user_id", "create_time", "attributes.", "Email", ""] {
            assert_eq!(Field::from_path(path), None, "{path}");
        }
    }

    #[test]
    fn attributes_are_bounded() {
        let mut personal = details().personal;
        assert!(personal.bad_attributes().is_empty());
        personal.attributes.insert("k".repeat(65), "v".repeat(1_001));
        assert_eq!(personal.bad_attributes().len(), 2);
        personal.attributes = (0..51).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(personal.bad_attributes().len(), 1);
    }

    #[test]
    fn personal_values_do_not_print() {
        assert!(!format!("{:?}", details()).contains("example"));
    }
}
