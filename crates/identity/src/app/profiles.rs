//! Profiles: written, read, found, erased.

use super::deciding::decide;
use super::{Identity, personal, telling};
use crate::domain::profile::{Details, Field};
use crate::domain::user::User;
use crate::store::profiles::StoredProfile;
use crate::store::{activities, complaints, memberships, profiles, tiles, users};
use chrono::{DateTime, Utc};
use perennial_platform::db::Tx;
use perennial_platform::idempotency::{Key, Reply, once};
use perennial_platform::{Error, Result, events, time};
use perennial_proto::identity::v1::{EraseProfileResponse, UpsertProfileResponse};
use std::collections::{HashMap, HashSet};

/// A profile as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileView {
    /// The caller's id of the user.
    pub user_id: String,
    /// What callers have said.
    pub details: Details,
    /// The registration that counts, said or seen.
    pub register_time: DateTime<Utc>,
    /// When the user became known.
    pub create_time: DateTime<Utc>,
    /// When a caller last changed something; of a bare profile, when the user became known.
    pub update_time: DateTime<Utc>,
    /// Number of changes.
    pub revision: i64,
}

/// A change to a profile, or a new one.
#[derive(Debug, Clone)]
pub struct Upsert {
    /// Whose.
    pub user_id: String,
    /// The values.
    pub patch: Details,
    /// Which of them to write.
    pub fields: Vec<Field>,
    /// Only at this revision; 0: whatever it is.
    pub expected_revision: i64,
    /// An erased user may register again.
    pub reregister: bool,
}

/// What a list of profiles asks for; an empty value asks for nothing.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the contract describes each field")]
pub struct ProfileFilter {
    pub email: String,
    pub phone: String,
    pub industry: String,
    pub acquisition_channel: String,
}

impl Identity {
    /// Creates or changes a profile. The answer is without the profile, which is personal: read
    /// it with [`Identity::profile`].
    pub async fn upsert(
        &self,
        key: Option<Key>,
        change: Upsert,
    ) -> Result<Reply<UpsertProfileResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let now = self.clock.now();
            let calendar = self.evaluator.calendar;
            let id = std::slice::from_ref(&change.user_id);
            let new = User::new(&change.user_id, now);
            let mut created = !users::create(tx, calendar, &[new]).await?.is_empty();
            let mut user = users::lock(tx, id).await?.pop().ok_or_else(|| gone(&change.user_id))?;
            if user.erased {
                if !change.reregister {
                    return Err(erased(&user, Error::precondition));
                }
                user = user.reborn(now);
                created = true;
            }
            let stored = profiles::get(tx, &change.user_id).await?;
            let revision = stored.as_ref().map_or(0, |profile| profile.revision);
            if change.expected_revision != 0 && change.expected_revision != revision {
                let message = "the profile is at another revision";
                return Err(Error::aborted("REVISION_MISMATCH", message).with("revision", revision));
            }
            let mut details = self.details(&user, stored.as_ref())?;
            let changed = details.write(&change.patch, &change.fields);
            // Each change may be small and the whole yet too large.
            if let Some((path, rule)) = details.personal.bad_attributes().pop() {
                return Err(Error::invalid(format!("profile.{path}"), rule));
            }
            if !changed.is_empty() {
                profiles::save(tx, self.to_store(&user, stored, &details, now)?).await?;
            }
            user.standing.given_register_time = details.register_time;
            user.standing.industry = details.industry;
            user.standing.influencer = details.influencer;
            if created || !changed.is_empty() {
                let told = if created {
                    telling::registered(now, &user)
                } else {
                    telling::updated(now, &user.user_id, &changed)
                };
                events::append(tx, [told]);
                decide(tx, &self.evaluator, now, &mut [user], &[]).await?;
            }
            Ok(UpsertProfileResponse { profile: None, created, replayed: false })
        })
        .await
    }

    /// One profile. Errors: NOT_FOUND / USER_NOT_FOUND or USER_ERASED.
    pub async fn profile(&self, user_id: &str) -> Result<ProfileView> {
        let user = self.user(user_id).await?;
        let stored = profiles::get(self.db.read(), user_id).await?;
        self.view(&user, stored.as_ref())
    }

    /// The profiles of many users, ordered by id; then the ids not known, then those erased.
    pub async fn profiles(
        &self,
        user_ids: &[String],
    ) -> Result<(Vec<ProfileView>, Vec<String>, Vec<String>)> {
        let users = users::find(self.db.read(), user_ids).await?;
        let mut unknown: Vec<String> = user_ids.to_vec();
        unknown.sort_unstable();
        unknown.dedup();
        let found: HashSet<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
        unknown.retain(|id| !found.contains(id.as_str()));
        let (erased, known): (Vec<User>, Vec<User>) = users.into_iter().partition(|u| u.erased);
        let views = self.views(&known).await?;
        Ok((views, unknown, erased.into_iter().map(|user| user.user_id).collect()))
    }

    /// Profiles that pass a filter, after an id, ordered by id.
    pub async fn find_profiles(
        &self,
        filter: ProfileFilter,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<ProfileView>> {
        let named = |key: String| (!key.is_empty()).then_some(key);
        let filter = users::Filter {
            email_hash: personal::email_hash(&self.vault, &filter.email),
            phone_hash: personal::phone_hash(&self.vault, &filter.phone),
            industry: named(filter.industry),
            acquisition_channel: named(filter.acquisition_channel),
        };
        let users = users::page(self.db.read(), &filter, after, limit).await?;
        self.views(&users).await
    }

    /// Forgets a user. Errors: NOT_FOUND / USER_NOT_FOUND.
    pub async fn erase(
        &self,
        key: Option<Key>,
        user_id: &str,
    ) -> Result<Reply<EraseProfileResponse>> {
        once(&self.db, &self.clock, key, async |tx: &Tx| {
            let now = self.clock.now();
            let id = [user_id.to_owned()];
            let user = users::lock(tx, &id).await?.pop().ok_or_else(|| gone(user_id))?;
            let mut answer = EraseProfileResponse::default();
            if user.erased {
                answer.erase_time = user.erase_time.map(time::to_proto);
                return Ok(answer);
            }
            profiles::delete(tx, user_id).await?;
            let activities = activities::delete(tx, user_id).await?;
            tiles::delete(tx, user_id).await?;
            memberships::delete(tx, user_id).await?;
            complaints::delete(tx, user_id).await?;
            users::save(tx, self.evaluator.calendar, &[user.tombstone(now)]).await?;
            events::append(tx, [telling::erased(now, user_id)]);
            answer.erase_time = Some(time::to_proto(now));
            answer.activities = i64::try_from(activities).map_err(Error::internal)?;
            Ok(answer)
        })
        .await
    }

    /// One user who is not erased. Errors: NOT_FOUND / USER_NOT_FOUND or USER_ERASED.
    pub(super) async fn user(&self, user_id: &str) -> Result<User> {
        match users::get(self.db.read(), user_id).await? {
            None => Err(gone(user_id)),
            Some(user) if user.erased => Err(erased(&user, Error::not_found)),
            Some(user) => Ok(user),
        }
    }

    async fn views(&self, users: &[User]) -> Result<Vec<ProfileView>> {
        let ids: Vec<String> = users.iter().map(|user| user.user_id.clone()).collect();
        let stored = profiles::find(self.db.read(), &ids).await?;
        let stored: HashMap<&str, &StoredProfile> =
            stored.iter().map(|profile| (profile.user_id.as_str(), profile)).collect();
        users
            .iter()
            .map(|user| self.view(user, stored.get(user.user_id.as_str()).copied()))
            .collect()
    }

    fn view(&self, user: &User, stored: Option<&StoredProfile>) -> Result<ProfileView> {
        Ok(ProfileView {
            user_id: user.user_id.clone(),
            details: self.details(user, stored)?,
            register_time: user.standing.register_time(),
            create_time: user.standing.create_time,
            update_time: stored.map_or(user.standing.create_time, |profile| profile.update_time),
            revision: stored.map_or(0, |profile| profile.revision),
        })
    }

    fn details(&self, user: &User, stored: Option<&StoredProfile>) -> Result<Details> {
        let standing = &user.standing;
        let mut details = Details {
            industry: standing.industry.clone(),
            influencer: standing.influencer,
            register_time: standing.given_register_time,
            ..Details::default()
        };
        if let Some(stored) = stored {
            details.personal = personal::unseal(&self.vault, &stored.wrapped_key, &stored.sealed)?;
            details.locale.clone_from(&stored.locale);
            details.time_zone.clone_from(&stored.time_zone);
            details.acquisition_channel.clone_from(&stored.acquisition_channel);
        }
        Ok(details)
    }

    fn to_store(
        &self,
        user: &User,
        stored: Option<StoredProfile>,
        details: &Details,
        now: DateTime<Utc>,
    ) -> Result<StoredProfile> {
        let (wrapped_key, revision) = match stored {
            Some(stored) => (stored.wrapped_key, stored.revision),
            None => (self.vault.new_user_key()?.0, 0),
        };
        let personal = &details.personal;
        Ok(StoredProfile {
            user_id: user.user_id.clone(),
            sealed: personal::seal(&self.vault, &wrapped_key, personal)?,
            wrapped_key,
            email_hash: personal::email_hash(&self.vault, &personal.email),
            phone_hash: personal::phone_hash(&self.vault, &personal.phone),
            locale: details.locale.clone(),
            time_zone: details.time_zone.clone(),
            acquisition_channel: details.acquisition_channel.clone(),
            revision: revision + 1,
            update_time: now,
        })
    }
}

fn gone(user_id: &str) -> Error {
    Error::not_found("USER_NOT_FOUND", "no such user").with("user_id", user_id)
}

fn erased(user: &User, error: fn(&'static str, String) -> Error) -> Error {
    let time = user.erase_time.map(|time| time.to_rfc3339()).unwrap_or_default();
    error("USER_ERASED", "the user was erased".to_owned())
        .with("user_id", &user.user_id)
        .with("erase_time", time)
}
