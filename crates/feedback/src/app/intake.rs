//! Taking feedback in: durable before it is answered, once however often it is sent, with its
//! ticket and its promises in the same transaction (product rows FB-1 to FB-4, FB-6, FB-19).

use super::{Core, Words, outbox, promises, refusal, words};
use crate::domain::kinds::{Author, Category, Channel, QuickTag};
use crate::domain::ticket::{Change, Event, Ticket};
use crate::ids::{FeedbackId, TicketId};
use crate::store::customers::{self, Customer};
use crate::store::feedback::{self, Source};
use crate::store::{search, tickets};
use chrono::{DateTime, TimeDelta, Utc};
use perennial_platform::commit::Batch;
use perennial_platform::db::Tx;
use perennial_platform::error::{Error, Result};
use perennial_platform::id::Id;
use perennial_platform::vault::{Pii, UserKey};
use perennial_proto::feedback::v1::SubmitFeedbackResponse;
use std::collections::HashMap;
use std::sync::Arc;

/// What somebody wants to say.
#[derive(Debug, Clone)]
pub(crate) struct Submission {
    pub(crate) user_id: String,
    pub(crate) channel: Channel,
    pub(crate) category: Category,
    pub(crate) tags: Vec<QuickTag>,
    pub(crate) rating: Option<i16>,
    /// What the sender knows about paying; it counts more than what we know.
    pub(crate) paying: Option<bool>,
    pub(crate) words: Pii<Words>,
    pub(crate) interview: Option<Interview>,
    pub(crate) source: Option<Source>,
    pub(crate) follow_up_of: Option<TicketId>,
}

/// A proposed interview.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interview {
    pub(crate) start: DateTime<Utc>,
    pub(crate) length: Option<TimeDelta>,
}

/// The line through which feedback comes in.
pub(crate) struct Intake(pub(crate) Core);

impl Batch for Intake {
    type Command = Submission;
    type Answer = SubmitFeedbackResponse;

    async fn apply(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        commands: &[Submission],
    ) -> Result<Vec<Result<SubmitFeedbackResponse>>> {
        self.0.take_in(tx, now, commands).await
    }
}

/// What becomes of one submission of a batch.
enum Fate {
    Refused(Error),
    /// Taken in by an earlier transaction.
    Earlier(FeedbackId),
    /// The n-th of those taken in now, as itself or as its twin.
    Fresh(usize),
    Twin(usize),
}

impl Core {
    /// Takes a batch of submissions in and answers each, in order.
    pub(super) async fn take_in(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        batch: &[Submission],
    ) -> Result<Vec<Result<SubmitFeedbackResponse>>> {
        let (fates, fresh) = self.sort(tx, now, batch).await?;
        let accepted = self.accept(tx, now, &fresh).await?;
        let earlier = earlier(tx, &fates).await?;
        let answer = |fate| match fate {
            Fate::Refused(error) => Err(error),
            Fate::Fresh(n) => accepted[n].clone(),
            Fate::Twin(n) => accepted[n]
                .clone()
                .map(|answer| SubmitFeedbackResponse { replayed: true, ..answer }),
            Fate::Earlier(id) => earlier
                .get(&id)
                .cloned()
                .ok_or_else(|| Error::internal(format!("{id} has no ticket"))),
        };
        Ok(fates.into_iter().map(answer).collect())
    }

    /// Tells the new submissions, each with its number in the batch, from those that are refused or
    /// known.
    async fn sort<'b>(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        batch: &'b [Submission],
    ) -> Result<(Vec<Fate>, Vec<(usize, &'b Submission)>)> {
        let sources: Vec<_> = batch.iter().filter_map(|s| s.source.as_ref()).collect();
        let known = feedback::by_source(tx, &sources).await?;
        let followed: Vec<_> = batch.iter().filter_map(|s| s.follow_up_of).collect();
        let owners = search::owners(tx, &followed).await?;
        let mut here: HashMap<&Source, usize> = HashMap::new();
        let mut fresh: Vec<(usize, &Submission)> = Vec::new();
        let mut fates = Vec::with_capacity(batch.len());
        for (n, submission) in batch.iter().enumerate() {
            let source = submission.source.as_ref();
            let before = source.and_then(|source| known.get(source));
            let twin = source.and_then(|source| here.get(source).copied());
            fates.push(match (before, twin) {
                (Some((id, user)), _) if *user == submission.user_id => Fate::Earlier(*id),
                (_, Some(n)) if fresh[n].1.user_id == submission.user_id => Fate::Twin(n),
                (Some(_), _) | (_, Some(_)) => Fate::Refused(source_taken()),
                (None, None) => {
                    if let Err(error) = self.admit(submission, now, &owners) {
                        Fate::Refused(error)
                    } else {
                        here.extend(source.map(|source| (source, fresh.len())));
                        fresh.push((n, submission));
                        Fate::Fresh(fresh.len() - 1)
                    }
                }
            });
        }
        Ok((fates, fresh))
    }

    fn admit(
        &self,
        submission: &Submission,
        now: DateTime<Utc>,
        owners: &HashMap<TicketId, String>,
    ) -> Result<()> {
        if let Some(followed) = submission.follow_up_of
            && owners.get(&followed) != Some(&submission.user_id)
        {
            return Err(refusal::no_ticket(followed));
        }
        let Some(interview) = submission.interview else { return Ok(()) };
        let checked = self.booking.check(interview.start, interview.length, now);
        checked.map_err(refusal::booking)
    }

    /// Writes new submissions with their tickets, and tells of them. Erased customers are refused
    /// here, under their lock.
    async fn accept(
        &self,
        tx: &Tx,
        now: DateTime<Utc>,
        fresh: &[(usize, &Submission)],
    ) -> Result<Vec<Result<SubmitFeedbackResponse>>> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let users = fresh.iter().map(|(_, submission)| submission.user_id.as_str()).collect();
        let mut customers = customers::lock(tx, &users).await?;
        customers.retain(|_, customer| !customer.erased);
        let keys = self.keys(tx, &customers).await?;
        let mut answers = Vec::with_capacity(fresh.len());
        let mut said = Vec::with_capacity(fresh.len());
        let mut opened = Vec::with_capacity(fresh.len());
        for (n, submission) in fresh {
            let user = submission.user_id.as_str();
            let (Some(customer), Some(key)) = (customers.get(user), keys.get(user)) else {
                answers.push(Err(refusal::erased()));
                continue;
            };
            let record =
                said_by(submission, words::seal_words(key, submission.words.expose())?, now);
            let ticket = self.open(submission, record.id, customer.paying, now);
            answers.push(Ok(first_answer(&ticket)));
            opened.push((*n, ticket));
            said.push(record);
        }
        if said.is_empty() {
            return Ok(answers);
        }
        feedback::insert(tx, &said).await?;
        for (n, record) in &opened {
            tx.on_behalf_of(*n, || {
                outbox::received(tx, now, record.feedback_id, record);
                outbox::tell(tx, now, record);
            });
        }
        let opened: Vec<_> = opened.into_iter().map(|(_, record)| record).collect();
        tickets::insert(tx, &opened).await?;
        Ok(answers)
    }

    /// The keys of these customers' words; those who never spoke get one.
    async fn keys<'c>(
        &self,
        tx: &Tx,
        customers: &'c HashMap<String, Customer>,
    ) -> Result<HashMap<&'c str, UserKey>> {
        let mut keys = HashMap::with_capacity(customers.len());
        for (user, customer) in customers {
            let wrapped = if let Some(known) = &customer.key {
                known.clone()
            } else {
                let new = self.vault.new_user_key()?.0;
                customers::set_key(tx, user, new.clone()).await?;
                new
            };
            keys.insert(user.as_str(), self.vault.open(&wrapped)?);
        }
        Ok(keys)
    }

    fn open(
        &self,
        submission: &Submission,
        feedback: FeedbackId,
        known_as_paying: bool,
        now: DateTime<Utc>,
    ) -> tickets::Record {
        let (channel, category) = (submission.channel, submission.category);
        let paying = submission.paying.unwrap_or(known_as_paying);
        let mut ticket = Ticket::open(now, Arc::new(self.policy.plan(channel, category, paying)));
        if channel == Channel::Form {
            // The form's own "received" is the automatic acknowledgement: at once, so that the
            // promise of 24 h holds. Notification sends the message when it reads of it.
            ticket.apply(Event { at: now, change: Change::Acknowledged(Author::Bot) });
        }
        if let Some(team) = &self.team {
            let change = Change::Assigned(Some(team.clone()));
            ticket.apply(Event { at: now, change });
        }
        let user = submission.user_id.clone();
        let about = (channel, category);
        let mut record = tickets::Record::new(Id::new(now), feedback, user, about, ticket);
        record.paying_override = submission.paying;
        record.follow_up_of = submission.follow_up_of;
        record
    }
}

fn said_by(submission: &Submission, words: Vec<u8>, now: DateTime<Utc>) -> feedback::Record {
    feedback::Record {
        id: Id::new(now),
        user_id: submission.user_id.clone(),
        channel: submission.channel,
        category: submission.category,
        tags: submission.tags.clone(),
        rating: submission.rating,
        words: Some(words),
        interview: submission.interview.map(|interview| interview.start),
        source: submission.source.clone(),
        created: now,
    }
}

fn source_taken() -> Error {
    Error::already_exists("SOURCE_EVENT_TAKEN", "another user's feedback has this source event")
}

/// The first answers to submissions that were taken in before.
async fn earlier(tx: &Tx, fates: &[Fate]) -> Result<HashMap<FeedbackId, SubmitFeedbackResponse>> {
    let ids = fates.iter().filter_map(|fate| match fate {
        Fate::Earlier(id) => Some(*id),
        _ => None,
    });
    let found = search::of_feedback(tx, &ids.collect::<Vec<_>>()).await?;
    let records = tickets::load(tx, &found.into_values().collect::<Vec<_>>()).await?;
    let answers = records.iter().map(|record| {
        (record.feedback_id, SubmitFeedbackResponse { replayed: true, ..first_answer(record) })
    });
    Ok(answers.collect())
}

/// The answer given when the feedback was accepted: the ticket as it was in that instant.
fn first_answer(record: &tickets::Record) -> SubmitFeedbackResponse {
    let opened = record.ticket.opened();
    let beginning = record.ticket.events.iter().take_while(|event| event.at == opened);
    let ticket = Ticket::replay(beginning.cloned());
    SubmitFeedbackResponse {
        feedback_id: record.feedback_id.to_string(),
        ticket_id: record.id.to_string(),
        promises: ticket.map(|ticket| promises(&ticket, opened)).unwrap_or_default(),
        replayed: false,
    }
}
