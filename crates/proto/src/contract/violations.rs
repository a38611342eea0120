//! Where a field stands in a request, and the list of what is wrong with it.

use std::borrow::Cow;
use std::fmt;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Path of a field; built on the stack while checking, written out only when something is wrong.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
    Key(&'a dyn fmt::Debug),
}

impl<'a> At<'a> {
    /// The request itself.
    pub const ROOT: At<'static> = At { parent: None, step: Step::Root };

    /// A field of the message here.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> At<'a> {
        At { parent: Some(self), step: Step::Field(name) }
    }

    /// An element of the list here.
    #[must_use]
    pub fn index(&'a self, index: usize) -> At<'a> {
        At { parent: Some(self), step: Step::Index(index) }
    }

    /// An entry of the map here.
    #[must_use]
    pub fn key(&'a self, key: &'a dyn fmt::Debug) -> At<'a> {
        At { parent: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
            if matches!(self.step, Step::Field(_)) && !matches!(parent.step, Step::Root) {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key:?}]"),
        }
    }
}

/// One field that is wrong, and in what way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field: `activities[3].amount.currency`.
    pub field: String,
    /// What is wrong, in words that follow the field's name: `must be at least 1`.
    pub description: String,
}

/// Everything that is wrong with one request.
#[derive(Debug, Default)]
pub struct Violations {
    shown: Vec<Violation>,
    bytes: usize,
    more: usize,
}

impl Violations {
    /// Errors travel in the HTTP/2 trailers, where clients take 16 KiB in all: beyond that the
    /// whole answer is lost. The text travels three times: in percent as the message, and twice in
    /// base 64 in the details.
    const BYTES: usize = 1_536;
    const SHOWN: usize = 24;
    /// A map key, or a value repeated in a description, can be as long as its caller likes.
    const PART: usize = 120;

    /// Adds one.
    pub fn add(&mut self, at: &At<'_>, description: impl Into<Cow<'static, str>>) {
        if self.shown.len() == Self::SHOWN || self.bytes >= Self::BYTES {
            self.more += 1;
            return;
        }
        let short = |text: &str| text[..text.floor_char_boundary(Self::PART)].to_owned();
        let violation =
            Violation { field: short(&at.to_string()), description: short(&description.into()) };
        self.bytes += violation.field.len() + violation.description.len();
        self.shown.push(violation);
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Those found; the first 24 at most.
    pub fn list(&self) -> &[Violation] {
        &self.shown
    }

    /// All that is wrong, in one sentence.
    pub fn message(&self) -> String {
        let list: Vec<_> =
            self.shown.iter().map(|v| format!("{} {}", v.field, v.description)).collect();
        let more = if self.more > 0 { format!("; and {} more", self.more) } else { String::new() };
        format!("invalid request: {}{more}", list.join("; "))
    }

    /// INVALID_ARGUMENT / INVALID_FIELDS with a `google.rpc.BadRequest` that lists the fields.
    pub fn into_status(self) -> Status {
        let message = self.message();
        let mut details = ErrorDetails::new();
        for v in self.shown {
            details.add_bad_request_violation(v.field, v.description);
        }
        details.set_error_info("INVALID_FIELDS", "perennial", std::collections::HashMap::new());
        Status::with_error_details(Code::InvalidArgument, message, details)
    }
}
