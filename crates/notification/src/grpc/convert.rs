//! Between the contract's messages and the domain's values.

use crate::app::{Explained, NotificationId, Plan};
use crate::config::Rules;
use crate::domain::caps::CapUse;
use crate::domain::decision::{Decision, GateResult, Outcome, Verdict};
use crate::domain::kinds::{Channel, Class};
use crate::domain::notification::Notification;
use crate::domain::template::{Template, Text};
use chrono::{DateTime, Utc};
use perennial_platform::{Error, Result, time};
use perennial_proto::notification::v1 as proto;
use prost_types::Timestamp;

fn stamp(at: Option<DateTime<Utc>>) -> Option<Timestamp> {
    at.map(time::to_proto)
}

/// Channel number of a request; the contract has checked that it is known.
pub(super) fn channel(number: i32) -> Option<Channel> {
    i16::try_from(number).ok().and_then(Channel::from_code)
}

/// A timestamp of a request that may be left out.
pub(super) fn optional_time(field: &str, at: Option<&Timestamp>) -> Result<Option<DateTime<Utc>>> {
    at.map(|at| time::from_proto(field, at)).transpose()
}

/// A plan from a request; planning itself says what is wrong with it, all at once.
pub(super) fn plan(
    request: &proto::ScheduleNotificationRequest,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Plan> {
    let send_at = optional_time("send_time", request.send_time.as_ref())?.unwrap_or(now).max(now);
    let class = i16::try_from(request.class).ok().and_then(Class::from_code);
    let class = class.ok_or_else(|| Error::invalid("class", "is not known"))?;
    let expire_after = match &request.expire_after {
        Some(after) => time::duration_from_proto("expire_after", after)?,
        None => rules.expire_after,
    };
    Ok(Plan {
        user_id: request.user_id.clone(),
        template: request.template.clone(),
        topic: request.topic.clone(),
        channels: request.channels.iter().filter_map(|n| channel(*n)).collect(),
        class,
        send_at,
        expire_at: Some(send_at + expire_after),
        variables: request.variables.clone(),
        dedupe_key: request.dedupe_key.clone(),
        trigger: String::new(),
    })
}

fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// A notification as the contract shows it.
pub(super) fn notification(message: Notification) -> proto::Notification {
    proto::Notification {
        notification_id: NotificationId::from(message.id).to_string(),
        user_id: message.user_id,
        template: message.template,
        template_version: message.template_version,
        topic: message.topic,
        channel: message.channel.code().into(),
        class: message.class.code().into(),
        state: message.state.code().into(),
        reason: message.reason,
        variables: message.variables,
        trigger: message.trigger,
        dedupe_key: message.dedupe_key,
        send_time: stamp(Some(message.send_at)),
        next_time: stamp(message.due_at),
        expire_time: stamp(message.expire_at),
        create_time: stamp(Some(message.created_at)),
        update_time: stamp(Some(message.updated_at)),
        sent_time: stamp(message.sent_at),
        attempts: count(message.attempts),
        last_error: message.last_error,
        holds: count(message.holds),
        held_for: message.held_for,
    }
}

/// An explanation as the contract shows it.
pub(super) fn explained(explained: Explained) -> proto::ExplainNotificationResponse {
    proto::ExplainNotificationResponse {
        notification: Some(notification(explained.message)),
        decision: Some(decision(explained.decision)),
        recorded: explained.recorded,
    }
}

fn decision(decision: Decision) -> proto::Decision {
    let (outcome, reason, next) = match decision.outcome {
        Outcome::Send => (Verdict::Pass, "", None),
        Outcome::Hold(gate, next) => (Verdict::Hold, gate.reason(), Some(next)),
        Outcome::Drop(gate) => (Verdict::Drop, gate.reason(), None),
    };
    proto::Decision {
        decide_time: stamp(Some(decision.at)),
        outcome: outcome as i32,
        reason: reason.to_owned(),
        next_eligible_time: stamp(next),
        gates: decision.gates.into_iter().map(gate).collect(),
        time_zone: decision.zone,
        zone_source: decision.zone_source as i32,
        local_time: decision.local_time,
        tzdb_version: decision.tzdb,
    }
}

fn gate(result: GateResult) -> proto::GateResult {
    proto::GateResult {
        gate: result.gate as i32,
        verdict: result.verdict as i32,
        detail: result.detail,
        caps: result.caps.into_iter().map(cap_use).collect(),
    }
}

fn cap_use(cap: CapUse) -> proto::CapUse {
    let window =
        if cap.rolling { proto::CapWindow::Rolling } else { proto::CapWindow::CalendarLocal };
    proto::CapUse {
        rule: cap.rule,
        window: window.into(),
        window_start_time: stamp(Some(cap.window_start)),
        used: count(cap.used),
        max: count(cap.max),
        tightened: cap.tightened,
        next_time: stamp(cap.next),
    }
}

/// A template as the contract shows it.
pub(super) fn template(template: Template) -> proto::Template {
    let text = |(locale, text): (String, Text)| proto::LocalizedText {
        locale,
        subject: text.subject,
        body: text.body,
    };
    proto::Template {
        name: template.name,
        version: template.version,
        texts: template.texts.into_iter().map(text).collect(),
        variables: template.variables,
        create_time: stamp(Some(template.created_at)),
    }
}
