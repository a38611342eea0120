//! Templates: stored, read, tried out.

use super::App;
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
    pub async fn put_template(
        &self,
        name: &str,
        texts: BTreeMap<String, Text>,
        variables: BTreeMap<String, String>,
        key: Option<Key>,
    ) -> Result<Reply<i32>> {
        let mut template = Template {
            name: name.to_owned(),
            version: 0,
            texts,
            variables,
            created_at: self.clock.now(),
        };
        let violations = self.complaints(&template);
        if !violations.is_empty() {
            return Err(Error::violations(violations));
        }
        once(&self.db, &self.clock, key, async |tx| {
            let newest = templates::one(tx, name, None).await?;
            template.version = newest.map_or(0, |t| t.version) + 1;
            templates::insert(tx, &template).await?;
            Ok(template.version)
        })
        .await
    }

    /// What is wrong with a template: every text that does not compile, looks up what nobody
    /// gives it, or does not render with the samples.
    pub(super) fn complaints(&self, template: &Template) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut note = |field: String, description: String| {
            found.push(Violation { field, description });
        };
        for name in template.variables.keys() {
            if GIVEN.contains(&name.as_str()) {
                note(format!("variables[{name}]"), "is given to every template".to_owned());
            }
        }
        if !template.texts.contains_key(&self.rules.locale) {
            let locale = &self.rules.locale;
            note("texts".to_owned(), format!("must contain the default locale {locale}"));
        }
        for (locale, text) in &template.texts {
            let field = || format!("texts[{locale}]");
            match self.renderer.undeclared(text, &template.variables) {
                Ok(names) if names.is_empty() => {
                    let context = self.context(&template.variables, "");
                    if let Err(error) = self.renderer.render_text(text, &context) {
                        note(field(), error);
                    }
                }
                Ok(names) => note(field(), format!("uses undeclared {}", names.join(", "))),
                Err(error) => note(field(), error),
            }
        }
        found
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
        let strange: Vec<Violation> = template
            .complaints(&variables)
            .into_iter()
            .map(|(name, complaint)| Violation {
                field: format!("variables[{name}]"),
                description: complaint.to_owned(),
            })
            .collect();
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
