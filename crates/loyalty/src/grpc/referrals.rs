//! ReferralService.

use crate::app::App;
use crate::app::referrals::{Cursor, Named, NewReferral, message};
use crate::domain::referral::signal::EvidenceKind;
use crate::domain::referral::{Evidence, Referral, Verdict};
use perennial_platform::error::Violation;
use perennial_platform::idempotency::Key;
use perennial_platform::{Error, id, time};
use perennial_proto::loyalty::v1 as proto;
use perennial_proto::loyalty::v1::referral_service_server::ReferralService;
use tonic::{Request, Response, Status};

/// Who brought whom.
pub(crate) struct Referrals {
    pub(crate) app: App,
}

#[tonic::async_trait]
impl ReferralService for Referrals {
    async fn create_referral_code(
        &self,
        request: Request<proto::CreateReferralCodeRequest>,
    ) -> Result<Response<proto::CreateReferralCodeResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of("CreateReferralCode", &request.request_id, &request, &self.app.vault);
        let evidence = evidence(request.evidence);
        let (user, campaign) = (request.user_id, request.campaign);
        let reply = self.app.referral_code(key, &user, &campaign, &evidence).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::CreateReferralCodeResponse { replayed, ..reply.value }))
    }

    async fn refer(
        &self,
        request: Request<proto::ReferRequest>,
    ) -> Result<Response<proto::ReferResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of("Refer", &request.request_id, &request, &self.app.vault);
        let new = self.new_referral(request)?;
        let reply = self.app.refer(key, &new).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::ReferResponse { replayed, ..reply.value }))
    }

    async fn get_referral(
        &self,
        request: Request<proto::GetReferralRequest>,
    ) -> Result<Response<proto::GetReferralResponse>, Status> {
        let id = id::parse("referral_id", &request.into_inner().referral_id)?;
        let referral = self.app.referral(id).await?;
        let referral = Some(message::referral(&referral, self.app.now()));
        Ok(Response::new(proto::GetReferralResponse { referral }))
    }

    async fn list_referrals(
        &self,
        request: Request<proto::ListReferralsRequest>,
    ) -> Result<Response<proto::ListReferralsResponse>, Status> {
        let request = request.into_inner();
        let filter = format!("referrals {}", request.advocate_user_id);
        let pages = &self.app.pages;
        let (size, after) =
            pages.open::<Cursor>(request.page_size, &request.page_token, &filter)?;
        let (found, next) = self.app.referrals(&request.advocate_user_id, after, size).await?;
        Ok(Response::new(proto::ListReferralsResponse {
            referrals: self.all(&found),
            next_page_token: next.map(|at| pages.token(&filter, &at)).unwrap_or_default(),
        }))
    }

    async fn get_referral_progress(
        &self,
        request: Request<proto::GetReferralProgressRequest>,
    ) -> Result<Response<proto::GetReferralProgressResponse>, Status> {
        let user = request.into_inner().user_id;
        let progress = self.app.referral_progress(&user).await?;
        Ok(Response::new(message::progress(user, progress)))
    }

    async fn review_referral(
        &self,
        request: Request<proto::ReviewReferralRequest>,
    ) -> Result<Response<proto::ReviewReferralResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of("ReviewReferral", &request.request_id, &request, &self.app.vault);
        let id = id::parse("referral_id", &request.referral_id)?;
        let verdict = message::verdict(request.verdict()).filter(|v| *v != Verdict::Review);
        let Some(verdict) = verdict else {
            return Err(Error::invalid("verdict", "must be ALLOW or BLOCK").into());
        };
        let (reviewer, reason) = (request.reviewer, request.reason);
        let reply = self.app.review_referral(key, id, verdict, &reviewer, &reason).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::ReviewReferralResponse { replayed, ..reply.value }))
    }

    async fn appeal_referral(
        &self,
        request: Request<proto::AppealReferralRequest>,
    ) -> Result<Response<proto::AppealReferralResponse>, Status> {
        let request = request.into_inner();
        let key = Key::of("AppealReferral", &request.request_id, &request, &self.app.vault);
        let id = id::parse("referral_id", &request.referral_id)?;
        let reply = self.app.appeal_referral(key, id, &request.reason).await?;
        let replayed = reply.replayed;
        Ok(Response::new(proto::AppealReferralResponse { replayed, ..reply.value }))
    }

    async fn list_reviews(
        &self,
        request: Request<proto::ListReviewsRequest>,
    ) -> Result<Response<proto::ListReviewsResponse>, Status> {
        let request = request.into_inner();
        let (pages, filter) = (&self.app.pages, "referral-reviews");
        let (size, after) = pages.open::<Cursor>(request.page_size, &request.page_token, filter)?;
        let (found, next) = self.app.reviews(after, size).await?;
        Ok(Response::new(proto::ListReviewsResponse {
            referrals: self.all(&found),
            next_page_token: next.map(|at| pages.token(filter, &at)).unwrap_or_default(),
        }))
    }
}

impl Referrals {
    fn all(&self, found: &[Referral]) -> Vec<proto::Referral> {
        let now = self.app.now();
        found.iter().map(|referral| message::referral(referral, now)).collect()
    }

    /// Errors: INVALID_ARGUMENT naming every field that is wrong.
    fn new_referral(&self, request: proto::ReferRequest) -> Result<NewReferral, Error> {
        let touched_at = request.touch_time.as_ref();
        let touched_at = touched_at.map(|at| time::from_proto("touch_time", at)).transpose()?;
        let mut wrong = Vec::new();
        let mut require = |holds: bool, field: &str, description: &str| {
            if !holds {
                let (field, description) = (field.to_owned(), description.to_owned());
                wrong.push(Violation { field, description });
            }
        };
        let one = request.code.is_empty() != request.advocate_user_id.is_empty();
        require(one, "code", "either it or advocate_user_id must be set");
        let past = touched_at.is_none_or(|at| at <= self.app.now());
        require(past, "touch_time", "lies in the future");
        let sane = touched_at.is_none_or(|at| at >= crate::domain::Time::UNIX_EPOCH);
        require(sane, "touch_time", "lies before 1970");
        if !wrong.is_empty() {
            return Err(Error::violations(wrong));
        }
        Ok(NewReferral {
            friend: request.friend_user_id,
            advocate: if request.code.is_empty() {
                Named::User(request.advocate_user_id)
            } else {
                Named::Code(request.code)
            },
            touched_at,
            evidence: evidence(request.evidence),
        })
    }
}

/// What was said about a person; what was not is left out.
fn evidence(told: Option<proto::ReferralEvidence>) -> Evidence {
    let told = told.unwrap_or_default();
    let all = [
        (EvidenceKind::Device, told.device_hash),
        (EvidenceKind::Payment, told.payment_hash),
        (EvidenceKind::Address, told.address_hash),
        (EvidenceKind::Email, told.email_hash),
        (EvidenceKind::Name, told.name_hash),
        (EvidenceKind::Ip, told.ip_hash),
    ];
    Evidence(all.into_iter().filter(|(_, hash)| !hash.is_empty()).collect())
}
