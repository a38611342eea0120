//! From the domain to the contract.

use crate::app::{FeedbackView, MessageView, ServiceLevels, TicketView, promises};
use crate::domain::kinds::Coded;
use crate::store::reports::Report;
use perennial_platform::time;
use perennial_platform::vault::Pii;
use perennial_proto::feedback::v1::{
    CategoryCount, ChannelCount, Feedback, GetServiceLevelsResponse, InterviewRequest, Message,
    QuickTagCount, ServiceLevel, Ticket, Visibility, WeeklyReport,
};

pub(super) fn ticket(view: TicketView) -> Ticket {
    let TicketView { record, messages, now } = view;
    let ticket = &record.ticket;
    Ticket {
        ticket_id: record.id.to_string(),
        feedback_id: record.feedback_id.to_string(),
        state: ticket.state.code().into(),
        channel: record.channel.code().into(),
        category: record.category.code().into(),
        paying: ticket.plan.paying,
        assignee: ticket.assignee.clone().unwrap_or_default(),
        reopen_count: ticket.reopen_count,
        follow_up_of_ticket_id: record.follow_up_of.map(|id| id.to_string()).unwrap_or_default(),
        promises: promises(ticket, now),
        messages: messages.into_iter().map(message).collect(),
        create_time: Some(time::to_proto(ticket.opened())),
        update_time: Some(time::to_proto(record.updated)),
        solve_time: ticket.solved.map(time::to_proto),
        close_time: ticket.closed.map(time::to_proto),
        user_id: record.user_id,
    }
}

fn message(view: MessageView) -> Message {
    let visibility = if view.internal { Visibility::Internal } else { Visibility::Public };
    Message {
        message_id: view.id.to_string(),
        author_kind: view.author.into(),
        author_id: view.author_id.unwrap_or_default(),
        visibility: visibility.into(),
        text: view.text.map(Pii::into_exposed).unwrap_or_default(),
        create_time: Some(time::to_proto(view.created)),
    }
}

pub(super) fn feedback(view: FeedbackView) -> Feedback {
    let FeedbackView { record, ticket, words } = view;
    let erased = words.is_none();
    let words = words.map(Pii::into_exposed).unwrap_or_default();
    let (source, source_event_id) =
        record.source.map(|source| (source.system, source.event_id)).unwrap_or_default();
    let interview = record
        .interview
        .map(|start| InterviewRequest { start_time: Some(time::to_proto(start)), duration: None });
    Feedback {
        feedback_id: record.id.to_string(),
        user_id: record.user_id,
        ticket_id: ticket.to_string(),
        channel: record.channel.code().into(),
        category: record.category.code().into(),
        quick_tags: record.tags.iter().map(|tag| tag.code().into()).collect(),
        rating: record.rating.map(i32::from),
        text: words.text,
        context: words.context,
        attachments: words.attachments,
        interview,
        source,
        source_event_id,
        create_time: Some(time::to_proto(record.created)),
        erased,
    }
}

pub(super) fn service_levels(found: ServiceLevels) -> GetServiceLevelsResponse {
    let levels = found.levels.into_iter().map(|((channel, clock), level)| ServiceLevel {
        channel: channel.code().into(),
        clock: clock.code().into(),
        kept: level.kept,
        breached: level.breached,
        open: level.open,
        voided: level.voided,
        median_time: level.median.map(time::duration_to_proto),
    });
    let read_time = Some(time::to_proto(found.now));
    GetServiceLevelsResponse { levels: levels.collect(), read_time }
}

pub(super) fn weekly_report(report: Report) -> WeeklyReport {
    let counts = report.counts;
    WeeklyReport {
        week: report.week,
        start_time: Some(time::to_proto(report.start)),
        end_time: Some(time::to_proto(report.end)),
        create_time: Some(time::to_proto(report.created)),
        channels: counts
            .channels
            .into_iter()
            .map(|(channel, count)| ChannelCount { channel: channel.code().into(), count })
            .collect(),
        categories: counts
            .categories
            .into_iter()
            .map(|(category, count)| CategoryCount { category: category.code().into(), count })
            .collect(),
        quick_tags: counts
            .quick_tags
            .into_iter()
            .map(|(tag, count)| QuickTagCount { quick_tag: tag.code().into(), count })
            .collect(),
    }
}
