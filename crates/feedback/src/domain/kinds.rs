//! The closed lists of the domain. Their codes are those of the contract's enums and are what
//! the tables hold; a test in `grpc::convert` keeps the two in step.

use serde::{Deserialize, Serialize};

/// A closed list whose values have a number of their own.
pub trait Coded: Copy + PartialEq + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The number of the value, 1 or more.
    fn code(self) -> i16;

    /// The value with this number.
    fn from_code(code: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| i32::from(value.code()) == code)
    }
}

/// Where feedback came in (product row FB-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum Channel {
    Form = 1,
    Chat = 2,
    Community = 3,
    Interview = 4,
    Behaviour = 5,
}

impl Coded for Channel {
    const ALL: &'static [Self] =
        &[Self::Form, Self::Chat, Self::Community, Self::Interview, Self::Behaviour];
    fn code(self) -> i16 {
        self as i16
    }
}

/// What feedback is about (product row FB-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum Category {
    NewFeature = 1,
    ExistingFeature = 2,
    Experience = 3,
    Service = 4,
    Price = 5,
    Bug = 6,
    Complaint = 7,
    Praise = 8,
    Other = 9,
}

impl Coded for Category {
    const ALL: &'static [Self] = &[
        Self::NewFeature,
        Self::ExistingFeature,
        Self::Experience,
        Self::Service,
        Self::Price,
        Self::Bug,
        Self::Complaint,
        Self::Praise,
        Self::Other,
    ];
    fn code(self) -> i16 {
        self as i16
    }
}

impl Category {
    /// The category of feedback whose sender named none: the first tag that tells one decides.
    pub fn from_tags(tags: &[QuickTag]) -> Self {
        tags.first().map_or(Self::Other, |tag| match tag {
            QuickTag::SaveFailed => Self::Bug,
            QuickTag::Slow => Self::Experience,
            QuickTag::Suggestion => Self::NewFeature,
        })
    }
}

/// What a customer says with one tap (product row FB-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum QuickTag {
    SaveFailed = 1,
    Slow = 2,
    Suggestion = 3,
}

impl Coded for QuickTag {
    const ALL: &'static [Self] = &[Self::SaveFailed, Self::Slow, Self::Suggestion];
    fn code(self) -> i16 {
        self as i16
    }
}

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum TicketState {
    New = 1,
    Open = 2,
    PendingUser = 3,
    OnHold = 4,
    Solved = 5,
    Closed = 6,
}

impl Coded for TicketState {
    const ALL: &'static [Self] =
        &[Self::New, Self::Open, Self::PendingUser, Self::OnHold, Self::Solved, Self::Closed];
    fn code(self) -> i16 {
        self as i16
    }
}

/// What a suspended ticket waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum WaitingOn {
    User = 1,
    ThirdParty = 2,
}

impl Coded for WaitingOn {
    const ALL: &'static [Self] = &[Self::User, Self::ThirdParty];
    fn code(self) -> i16 {
        self as i16
    }
}

/// Who of our side wrote or acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum Author {
    Bot = 1,
    Human = 2,
    Official = 3,
}

impl Coded for Author {
    const ALL: &'static [Self] = &[Self::Bot, Self::Human, Self::Official];
    fn code(self) -> i16 {
        self as i16
    }
}

/// The code of a customer as the author of a message, beside those of [`Author`].
pub const CUSTOMER_CODE: i16 = 4;

/// Which promise a clock measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum ClockKind {
    Acknowledge = 1,
    Respond = 2,
    Resolve = 3,
    Report = 4,
}

impl Coded for ClockKind {
    const ALL: &'static [Self] = &[Self::Acknowledge, Self::Respond, Self::Resolve, Self::Report];
    fn code(self) -> i16 {
        self as i16
    }
}

/// Whose deed keeps a promise: an official is a human too, and anyone may be a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum Satisfier {
    Any = 1,
    Human = 2,
    Official = 3,
}

impl Coded for Satisfier {
    const ALL: &'static [Self] = &[Self::Any, Self::Human, Self::Official];
    fn code(self) -> i16 {
        self as i16
    }
}

impl Satisfier {
    /// Whether a deed of this author keeps the promise.
    pub fn accepts(self, author: Author) -> bool {
        author.code() >= self.code()
    }
}

/// Where a promise stands at some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in kinds.proto")]
pub enum PromiseState {
    Running = 1,
    Paused = 2,
    Kept = 3,
    Breached = 4,
    Void = 5,
}

impl Coded for PromiseState {
    const ALL: &'static [Self] =
        &[Self::Running, Self::Paused, Self::Kept, Self::Breached, Self::Void];
    fn code(self) -> i16 {
        self as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_never_keeps_a_promise_of_a_human() {
        assert!(Satisfier::Any.accepts(Author::Bot));
        assert!(!Satisfier::Human.accepts(Author::Bot));
        assert!(Satisfier::Human.accepts(Author::Official));
        assert!(!Satisfier::Official.accepts(Author::Human));
        assert!(Satisfier::Official.accepts(Author::Official));
    }

    #[test]
    fn a_missing_category_follows_the_first_tag() {
        assert_eq!(Category::from_tags(&[]), Category::Other);
        assert_eq!(Category::from_tags(&[QuickTag::SaveFailed, QuickTag::Slow]), Category::Bug);
    }
}
