//! The in-app inbox: messages of that channel, rendered when they are read.

use super::App;
use super::render::{Context, ProductContext, ProfileContext, Rendered};
use crate::domain::kinds::{Channel, State};
use crate::domain::notification::Notification;
use crate::store::messages::{self, Filter};
use crate::store::templates;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result};
use perennial_proto::notification::v1::MarkReadResponse;
use std::collections::HashMap;
use uuid::Uuid;

/// Messages with their words, newest first.
pub struct InboxPage {
    /// The messages.
    pub messages: Vec<(Notification, Rendered)>,
    /// Token of the next page; empty at the end.
    pub next_page_token: String,
    /// Unread messages in all.
    pub unread: u64,
}

impl App {
    /// A page of a user's inbox. Errors: UNAVAILABLE while identity is away.
    pub async fn inbox(
        &self,
        user_id: &str,
        unread: bool,
        page_size: i32,
        page_token: &str,
    ) -> Result<InboxPage> {
        let filter = Filter {
            user_id: user_id.to_owned(),
            states: vec![State::Sent],
            channel: Some(Channel::Inbox),
            unread,
            ..Filter::default()
        };
        let (found, next_page_token) = self.list(&filter, page_size, page_token).await?;
        let unread = messages::count(self.db.read(), &Filter { unread: true, ..filter }).await?;
        let messages =
            if found.is_empty() { Vec::new() } else { self.read(user_id, found).await? };
        Ok(InboxPage { messages, next_page_token, unread })
    }

    async fn read(
        &self,
        user_id: &str,
        found: Vec<Notification>,
    ) -> Result<Vec<(Notification, Rendered)>> {
        let profiles = self.profiles.of(&[user_id.to_owned()]).await?;
        let profile = profiles.get(user_id).cloned().unwrap_or_default();
        let mut known = HashMap::new();
        let mut pages = Vec::with_capacity(found.len());
        for message in found {
            let key = (message.template.clone(), message.template_version);
            if !known.contains_key(&key) {
                let template = templates::one(self.db.read(), &key.0, Some(key.1)).await?;
                let lost = || Error::internal("a sent message without its template version");
                known.insert(key.clone(), template.ok_or_else(lost)?);
            }
            let context = Context {
                variables: &message.variables,
                profile: ProfileContext { name: profile.name.expose() },
                product: ProductContext { name: &self.rules.product_name },
            };
            let rendered = self
                .renderer
                .render(&known[&key], &profile.locale, &self.rules.locale, &context)
                .map_err(Error::internal)?;
            pages.push((message, rendered));
        }
        Ok(pages)
    }

    /// Marks messages of a user as read; `ids` empty = all. Answers how many became read.
    pub async fn mark_read(
        &self,
        user_id: &str,
        ids: &[Uuid],
        key: Option<Key>,
    ) -> Result<Reply<MarkReadResponse>> {
        let now = self.clock.now();
        once(&self.db, &self.clock, key, async |tx| {
            let marked = messages::mark_read(tx, user_id, ids, now).await?;
            let marked_count = i32::try_from(marked).unwrap_or(i32::MAX);
            Ok(MarkReadResponse { marked_count, replayed: false })
        })
        .await
    }
}
