//! The texts that come with the service, stored as version 1 at the first start.

use super::App;
use crate::domain::template::{Template, Text};
use crate::store::templates;
use perennial_platform::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Name and file of every shipped template.
const FILES: [(&str, &str); 19] = [
    ("care", include_str!("../../templates/care.toml")),
    ("compensation", include_str!("../../templates/compensation.toml")),
    ("email-footer", include_str!("../../templates/email-footer.toml")),
    ("feedback-received", include_str!("../../templates/feedback-received.toml")),
    ("first-use-call", include_str!("../../templates/first-use-call.toml")),
    ("inactivity", include_str!("../../templates/inactivity.toml")),
    ("membership-on-hold", include_str!("../../templates/membership-on-hold.toml")),
    ("membership-renewal", include_str!("../../templates/membership-renewal.toml")),
    ("payment-failed", include_str!("../../templates/payment-failed.toml")),
    ("points-expiring", include_str!("../../templates/points-expiring.toml")),
    ("reward", include_str!("../../templates/reward.toml")),
    ("rules-notice", include_str!("../../templates/rules-notice.toml")),
    ("rules-withdrawn", include_str!("../../templates/rules-withdrawn.toml")),
    ("ticket-resolved", include_str!("../../templates/ticket-resolved.toml")),
    ("tier-up", include_str!("../../templates/tier-up.toml")),
    ("trial-ending", include_str!("../../templates/trial-ending.toml")),
    ("welcome", include_str!("../../templates/welcome.toml")),
    ("win-back-interview", include_str!("../../templates/win-back-interview.toml")),
    ("win-back-offer", include_str!("../../templates/win-back-offer.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    variables: BTreeMap<String, String>,
    texts: BTreeMap<String, Text>,
}

impl App {
    /// Stores the shipped texts that are not there yet. Versions that an operator stored stay the
    /// newest.
    pub async fn seed(&self) -> Result<()> {
        let templates = self.shipped()?;
        let tx = self.db.begin().await?;
        templates::seed(&tx, &templates).await?;
        tx.commit().await
    }

    fn shipped(&self) -> Result<Vec<Template>> {
        let read = |(name, file): &(&str, &str)| {
            let file: File = toml::from_str(file).map_err(Error::internal)?;
            Ok(Template {
                name: (*name).to_owned(),
                version: 1,
                texts: file.texts,
                variables: file.variables,
                created_at: self.clock.now(),
            })
        };
        FILES.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::render::{Context, ProductContext, ProfileContext, Renderer};

    #[test]
    fn every_shipped_text_renders_in_both_languages() {
        for (name, file) in FILES {
            let file: File = toml::from_str(file).unwrap();
            assert_eq!(file.texts.keys().collect::<Vec<_>>(), ["en", "zh-CN"], "{name}");
            for (locale, text) in &file.texts {
                let renderer = Renderer::new();
                for source in [&text.subject, &text.body] {
                    let undeclared = renderer.undeclared(source, &file.variables).unwrap();
                    assert_eq!(undeclared, [""; 0], "{name}");
                }
                for user in ["", "Li"] {
                    let context = Context {
                        variables: &file.variables,
                        profile: ProfileContext { name: user },
                        product: ProductContext { name: "Perennial" },
                    };
                    let text = renderer.render_text(text, &context).unwrap();
                    assert!(!text.subject.is_empty() && !text.body.is_empty(), "{name} {locale}");
                }
            }
        }
    }

    #[test]
    fn every_trigger_has_a_shipped_template() {
        for rule in crate::domain::trigger::shipped() {
            assert!(FILES.iter().any(|(name, _)| *name == rule.template), "{}", rule.template);
        }
    }
}
