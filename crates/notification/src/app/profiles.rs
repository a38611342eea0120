//! Who a user is: asked from identity for a batch of messages and forgotten with the batch.
//!
//! Not cached: a changed address and an erasure take effect at once, and no name or address comes
//! to rest outside identity.

use perennial_platform::Result;
use perennial_platform::host::PeerChannel;
use perennial_platform::vault::Pii;
use perennial_proto::identity::v1::BatchGetProfilesRequest;
use perennial_proto::identity::v1::profile_service_client::ProfileServiceClient;
use std::collections::HashMap;

/// Users that identity answers in one call.
const PER_CALL: usize = 500;

/// What messages need of a profile. Empty = not known.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// Display name.
    pub name: Pii<String>,
    /// E-mail address.
    pub email: Pii<String>,
    /// Telephone number, for gateways.
    pub phone: Pii<String>,
    /// BCP 47 tag.
    pub locale: String,
    /// IANA zone.
    pub time_zone: String,
}

/// The way to identity.
#[derive(Debug, Clone)]
pub struct Profiles {
    client: ProfileServiceClient<PeerChannel>,
}

impl Profiles {
    /// Through a channel to identity.
    pub fn new(channel: PeerChannel) -> Self {
        Self { client: ProfileServiceClient::new(channel) }
    }

    /// Profiles of users; users that identity does not know are left out. Errors: UNAVAILABLE
    /// while identity is away.
    pub async fn of(&self, users: &[String]) -> Result<HashMap<String, Profile>> {
        let mut found = HashMap::with_capacity(users.len());
        for chunk in users.chunks(PER_CALL) {
            let request = BatchGetProfilesRequest { user_ids: chunk.to_vec() };
            let answer = self.client.clone().batch_get_profiles(request).await?.into_inner();
            found.extend(answer.profiles.into_iter().map(|p| {
                let profile = Profile {
                    name: Pii::new(p.display_name),
                    email: Pii::new(p.email),
                    phone: Pii::new(p.phone),
                    locale: p.locale,
                    time_zone: p.time_zone,
                };
                (p.user_id, profile)
            }));
        }
        Ok(found)
    }
}
