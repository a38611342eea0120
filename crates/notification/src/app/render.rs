//! Turns a template into the words a user reads.
//!
//! Undefined variables are errors, never empty strings, and a render that works too long is
//! stopped. Error texts name the place, not the values: they may be stored and shown.

use crate::domain::template::{Template, Text};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Instructions a render may take; the longest shipped text takes under 200.
const FUEL: u64 = 20_000;
/// Names that every template may use; no variable can have one of them.
pub const GIVEN: [&str; 2] = ["profile", "product"];

/// What a template sees.
#[derive(Debug, Serialize)]
pub struct Context<'a> {
    /// Declared variables.
    #[serde(flatten)]
    pub variables: &'a BTreeMap<String, String>,
    /// The user.
    pub profile: ProfileContext<'a>,
    /// The product.
    pub product: ProductContext<'a>,
}

/// `profile.*` in templates.
#[derive(Debug, Serialize)]
pub struct ProfileContext<'a> {
    /// May be empty.
    pub name: &'a str,
}

/// `product.*` in templates.
#[derive(Debug, Serialize)]
pub struct ProductContext<'a> {
    /// Never empty.
    pub name: &'a str,
}

/// A rendered message.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Locale of the text that was taken.
    pub locale: String,
    /// Subject and body.
    pub text: Text,
}

/// Renders templates. Clones share the engine.
#[derive(Debug, Clone)]
pub struct Renderer(Arc<Environment<'static>>);

impl Renderer {
    /// An engine with strict rules.
    pub fn new() -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_fuel(Some(FUEL));
        Self(Arc::new(engine))
    }

    /// Renders the text for `locale`. Errors: why it does not render, without any value.
    pub fn render(
        &self,
        template: &Template,
        locale: &str,
        default_locale: &str,
        context: &Context<'_>,
    ) -> Result<Rendered, String> {
        let (locale, text) =
            template.text(locale, default_locale).ok_or("the template has no text")?;
        Ok(Rendered { locale: locale.to_owned(), text: self.render_text(text, context)? })
    }

    /// Renders one language. A subject is one line, whatever its variables hold: a line break
    /// would begin a new header of the mail.
    pub fn render_text(&self, text: &Text, context: &Context<'_>) -> Result<Text, String> {
        let expand = |part: &str, source: &str| {
            self.expand(source, context).map_err(|error| format!("{part}, {error}"))
        };
        let subject = expand("subject", &text.subject)?;
        let subject: String =
            subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Ok(Text { subject: subject.trim().to_owned(), body: expand("body", &text.body)? })
    }

    /// Variables that a subject or a body looks up and that are neither declared nor given.
    pub fn undeclared(
        &self,
        source: &str,
        declared: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, String> {
        let compiled = self.0.template_from_str(source).map_err(|error| describe(&error))?;
        let mut names: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
        names.retain(|name| !declared.contains_key(name) && !GIVEN.contains(&name.as_str()));
        names.sort();
        Ok(names)
    }

    /// Renders a subject or a body as it stands.
    pub fn expand(&self, source: &str, context: &Context<'_>) -> Result<String, String> {
        self.0.render_str(source, Serde(context)).map_err(|error| describe(&error))
    }
}

impl Default for Renderer {
    fn default() -> Self {
        Self::new()
    }
}

/// Where and what kind, not with which values.
fn describe(error: &minijinja::Error) -> String {
    match error.line() {
        Some(line) => format!("line {line}: {}", error.kind()),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(body: &str, variables: &[(&str, &str)]) -> Result<Text, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let context = Context {
            variables: &variables,
            profile: ProfileContext { name: "Li" },
            product: ProductContext { name: "Perennial" },
        };
        let text = Text { subject: "Hi {{ profile.name }}".to_owned(), body: body.to_owned() };
        Renderer::new().render_text(&text, &context)
    }

    #[test]
    fn fills_in_variables() {
        let text = render("{{ points }} points at {{ product.name }}", &[("points", "5")]).unwrap();
        assert_eq!((text.subject.as_str(), text.body.as_str()), ("Hi Li", "5 points at Perennial"));
    }

    #[test]
    fn undefined_and_endless_are_errors_without_values() {
        assert_eq!(render("{{ nothing }}", &[]).unwrap_err(), "body, line 1: undefined value");
        assert!(render("{{ profile.phone }}", &[]).is_err());
        let endless =
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert_eq!(render(endless, &[]).unwrap_err(), "body, line 1: engine ran out of fuel");
    }

    #[test]
    fn a_subject_stays_one_line() {
        let variables = [("x".to_owned(), "a\r\nBcc: b@c.de".to_owned())].into();
        let context = Context {
            variables: &variables,
            profile: ProfileContext { name: "" },
            product: ProductContext { name: "" },
        };
        let text = Text { subject: "{{ x }}".to_owned(), body: String::new() };
        let subject = Renderer::new().render_text(&text, &context).unwrap().subject;
        assert_eq!(subject, "a  Bcc: b@c.de");
    }

    #[test]
    fn undeclared_variables_are_found_on_every_branch() {
        let text = "{{ profile.name }}{% if tier == 'gold' %}{{ secret }}{% endif %}";
        let declared = [("tier".to_owned(), "gold".to_owned())].into();
        assert_eq!(Renderer::new().undeclared(text, &declared).unwrap(), ["secret"]);
    }
}
