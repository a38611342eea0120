//! Templates: stored, read, tried out.

use super::App;
use super::plan::strange;
use super::render::{Context, GIVEN, ProductContext, ProfileContext, Rendered};
use crate::domain::template::{Template, Text};
use crate::store::templates;
use perennial_platform::error::Violation;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use std::collections::BTreeMap;

fn missing(name: &str) -> Error {
    Error::not_found("TEMPLATE_NOT_FOUND", format!("there is no template {name}"))
        .with("template", name)
}

impl App {
    /// One version; 0 = the newest. Errors: NOT_FOUND / TEMPLATE_NOT_FOUND.
    pub async fn template(&self, name: &str, version: i32) -> Result<Template> {
        let version = Some(version).filter(|version| *version > 0);
        templates::one(self.db.read(), name, version).await?.ok_or_else(|| missing(name))
    }

    /// Stores a new version, if every text renders with the samples. Answers its number.
    /// `texts`: locale and text. Errors: INVALID_ARGUMENT with everything that is wrong.
    pub async fn put_template(
        &self,
        name: &str,
        texts: Vec<(String, Text)>,
        variables: BTreeMap<String, String>,
        key: Option<Key>,
    ) -> Result<Reply<i32>> {
        let violations = self.complaints(&texts, &variables);
        if !violations.is_empty() {
            return Err(Error::violations(violations));
        }
        let mut template = Template {
            name: name.to_owned(),
            version: 0,
            texts: texts.into_iter().collect(),
            variables,
            created_at: self.clock.now(),
        };
        once(&self.db, &self.clock, key, async |tx| {
            let newest = templates::one(tx, name, None).await?;
            template.version = newest.map_or(0, |t| t.version) + 1;
            templates::insert(tx, &template).await?;
            Ok(template.version)
        })
        .await
    }

    /// What is wrong with a template: locales named twice, and every text that does not compile,
    /// looks up what nobody gives it, or does not render with the samples.
    fn complaints(
        &self,
        texts: &[(String, Text)],
        variables: &BTreeMap<String, String>,
    ) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut note = |field: String, description: String| {
            found.push(Violation { field, description });
        };
        for name in variables.keys() {
            if GIVEN.contains(&name.as_str()) {
                note(format!("variables[{name:?}]"), "is given to every template".to_owned());
            }
        }
        if !texts.iter().any(|(locale, _)| *locale == self.rules.locale) {
            let locale = &self.rules.locale;
            note("texts".to_owned(), format!("must contain the default locale {locale}"));
        }
        for (n, (locale, text)) in texts.iter().enumerate() {
            if texts[..n].iter().any(|(before, _)| before == locale) {
                note(format!("texts[{n}].locale"), "is named before".to_owned());
            }
            for (part, source) in [("subject", &text.subject), ("body", &text.body)] {
                if let Err(complaint) = self.try_out(source, variables) {
                    note(format!("texts[{n}].{part}"), complaint);
                }
            }
        }
        found
    }

    /// Renders a subject or a body with the samples.
    fn try_out(&self, source: &str, variables: &BTreeMap<String, String>) -> Result<(), String> {
        let names = self.renderer.undeclared(source, variables)?;
        if !names.is_empty() {
            return Err(format!("uses undeclared {}", names.join(", ")));
        }
        self.renderer.expand(source, &self.context(variables, "")).map(drop)
    }

    fn context<'a>(
        &'a self,
        variables: &'a BTreeMap<String, String>,
        name: &'a str,
    ) -> Context<'a> {
        Context {
            variables,
            profile: ProfileContext { name },
            product: ProductContext { name: &self.rules.product_name },
        }
    }

    /// Renders a template without sending it; variables left out take their samples. Errors:
    /// NOT_FOUND / TEMPLATE_NOT_FOUND; INVALID_ARGUMENT.
    pub async fn preview(
        &self,
        name: &str,
        version: i32,
        locale: &str,
        given: BTreeMap<String, String>,
        profile_name: &str,
    ) -> Result<(i32, Rendered)> {
        let template = self.template(name, version).await?;
        let mut variables = template.variables.clone();
        variables.extend(given);
        let strange: Vec<Violation> = strange(&template, &variables).collect();
        if !strange.is_empty() {
            return Err(Error::violations(strange));
        }
        let context = self.context(&variables, profile_name);
        let rendered = self
            .renderer
            .render(&template, locale, &self.rules.locale, &context)
            .map_err(|error| Error::invalid("variables", error))?;
        Ok((template.version, rendered))
    }

    /// The newest version of every template, by name, and the token of the next page.
    pub async fn templates(
        &self,
        page_size: i32,
        page_token: &str,
    ) -> Result<(Vec<Template>, String)> {
        let (limit, after) = self.pages.open::<String>(page_size, page_token, "templates")?;
        let mut found = templates::list(self.db.read(), after, limit + 1).await?;
        let more = found.len() as u64 > limit;
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| more);
        let next = next.map(|last| self.pages.token("templates", &last.name));
        Ok((found, next.unwrap_or_default()))
    }
}
