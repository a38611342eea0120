//! From the contract to the domain. The bounds of single fields were checked by the codec; what
//! is checked here concerns several fields, or a list's elements.

use crate::app::{Interview, Submission, Words};
use crate::domain::kinds::{Author, Category, Channel, Coded, QuickTag};
use crate::ids::TicketId;
use crate::store::feedback::Source;
use perennial_platform::error::{Error, Result};
use perennial_platform::vault::Pii;
use perennial_platform::{id, time};
use perennial_proto::contract::Violation;
use perennial_proto::feedback::v1::{InterviewRequest, SubmitFeedbackRequest};

/// The value of an enum field that must have one.
pub(super) fn required<T: Coded>(field: &str, code: i32) -> Result<T> {
    T::from_code(code).ok_or_else(|| Error::invalid(field, "is required"))
}

/// The value of an enum field that may be left out.
pub(super) fn optional<T: Coded>(code: i32) -> Option<T> {
    T::from_code(code)
}

/// Who of our side acts.
pub(super) fn author(code: i32) -> Result<Author> {
    let ours = Author::from_code(code);
    ours.ok_or_else(|| Error::invalid("author_kind", "must be BOT, HUMAN or OFFICIAL"))
}

/// A string that may be left out.
pub(super) fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// A ticket's identifier.
pub(super) fn ticket_id(text: &str) -> Result<TicketId> {
    id::parse("ticket_id", text)
}

/// What somebody wants to say. Errors: INVALID_ARGUMENT with everything that is wrong.
pub(super) fn submission(request: SubmitFeedbackRequest) -> Result<Submission> {
    let wrong = violations(&request);
    if !wrong.is_empty() {
        return Err(Error::violations(wrong));
    }
    let tags: Vec<QuickTag> =
        request.quick_tags.iter().filter_map(|code| optional(*code)).collect();
    let category = optional(request.category).unwrap_or_else(|| Category::from_tags(&tags));
    let follow_up_of = match request.follow_up_of_ticket_id.as_str() {
        "" => None,
        text => Some(id::parse("follow_up_of_ticket_id", text)?),
    };
    Ok(Submission {
        user_id: request.user_id,
        channel: required("channel", request.channel)?,
        category,
        tags,
        rating: request.rating.map(|rating| i16::try_from(rating).unwrap_or(0)),
        paying: request.paying,
        interview: request.interview.as_ref().map(interview).transpose()?,
        words: Pii::new(Words {
            text: request.text,
            context: request.context,
            attachments: request.attachments,
        }),
        source: given(&request.source)
            .zip(given(&request.source_event_id))
            .map(|(system, event_id)| Source { system, event_id }),
        follow_up_of,
    })
}

fn interview(request: &InterviewRequest) -> Result<Interview> {
    let start = request.start_time.as_ref();
    let start = start.ok_or_else(|| Error::invalid("interview.start_time", "is required"))?;
    let length = request.duration.as_ref();
    let length = length.map(|d| time::duration_from_proto("interview.duration", d)).transpose()?;
    Ok(Interview { start: time::from_proto("interview.start_time", start)?, length })
}

/// What is wrong between the fields of a submission.
fn violations(request: &SubmitFeedbackRequest) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let mut add = |field: &str, description: &str| {
        wrong.push(Violation { field: field.to_owned(), description: description.to_owned() });
    };
    let silent = request.text.is_empty()
        && request.quick_tags.is_empty()
        && request.attachments.is_empty()
        && request.rating.is_none();
    if silent && request.interview.is_none() {
        add("text", "is required when there is no quick tag, attachment or rating");
    }
    if request.rating == Some(0) {
        add("rating", "must be at least 1");
    }
    if request.quick_tags.contains(&0) {
        add("quick_tags", "must not contain QUICK_TAG_UNSPECIFIED");
    }
    if request.source.is_empty() != request.source_event_id.is_empty() {
        add("source_event_id", "must be set together with source");
    }
    let wanted = request.channel == i32::from(Channel::Interview.code());
    match (wanted, &request.interview) {
        (true, None) => add("interview", "is required on the interview channel"),
        (false, Some(_)) => add("interview", "belongs to the interview channel only"),
        _ => {}
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kinds::{
        CUSTOMER_CODE, ClockKind, PromiseState, Satisfier, TicketState, WaitingOn,
    };
    use perennial_proto::feedback::v1;

    /// Every code of the domain is the contract's code of the same name, and none is missing.
    fn in_step<D: Coded + std::fmt::Debug>(name_of: impl Fn(i32) -> Option<&'static str>) {
        let plain = |name: &str| name.replace('_', "").to_lowercase();
        for value in D::ALL {
            let name = name_of(value.code().into()).unwrap_or_default();
            assert!(
                plain(name).ends_with(&format!("{value:?}").to_lowercase()),
                "{value:?}: {name}"
            );
        }
        let known = (1..100).filter(|code| name_of(*code).is_some());
        assert!(known.count() >= D::ALL.len());
    }

    #[test]
    fn the_codes_are_those_of_the_contract() {
        in_step::<Channel>(|c| v1::Channel::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<Category>(|c| v1::Category::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<QuickTag>(|c| v1::QuickTag::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<TicketState>(|c| v1::TicketState::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<WaitingOn>(|c| v1::WaitingOn::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<Author>(|c| v1::AuthorKind::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<ClockKind>(|c| v1::ClockKind::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<Satisfier>(|c| v1::Satisfier::try_from(c).ok().map(|v| v.as_str_name()));
        in_step::<PromiseState>(|c| v1::PromiseState::try_from(c).ok().map(|v| v.as_str_name()));
        assert_eq!(i32::from(CUSTOMER_CODE), v1::AuthorKind::Customer as i32);
    }

    #[test]
    fn says_everything_that_is_wrong_at_once() {
        let request = SubmitFeedbackRequest {
            user_id: "u".into(),
            channel: v1::Channel::Interview as i32,
            rating: Some(0),
            quick_tags: vec![0],
            source: "crm".into(),
            ..SubmitFeedbackRequest::default()
        };
        let fields: Vec<_> = violations(&request).into_iter().map(|v| v.field).collect();
        assert_eq!(fields, ["rating", "quick_tags", "source_event_id", "interview"]);
        let silent = SubmitFeedbackRequest { channel: 1, ..SubmitFeedbackRequest::default() };
        assert_eq!(violations(&silent)[0].field, "text");
    }
}
