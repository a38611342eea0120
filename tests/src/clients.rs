//! Clients of every service of a running suite.

use perennial_proto::admin::v1::clock_service_client::ClockServiceClient;
use perennial_proto::feedback::v1::feedback_service_client::FeedbackServiceClient;
use perennial_proto::feedback::v1::ticket_service_client::TicketServiceClient;
use perennial_proto::identity::v1::activity_service_client::ActivityServiceClient;
use perennial_proto::identity::v1::insight_service_client::InsightServiceClient;
use perennial_proto::identity::v1::profile_service_client::ProfileServiceClient;
use perennial_proto::loyalty::v1::compensation_service_client::CompensationServiceClient;
use perennial_proto::loyalty::v1::membership_service_client::MembershipServiceClient;
use perennial_proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_proto::loyalty::v1::referral_service_client::ReferralServiceClient;
use perennial_proto::loyalty::v1::tier_service_client::TierServiceClient;
use perennial_proto::notification::v1::inbox_service_client::InboxServiceClient;
use perennial_proto::notification::v1::notification_service_client::NotificationServiceClient;
use tonic::transport::Channel;

/// One client a service; clone them freely.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the services of the contract")]
pub struct Clients {
    pub clock: ClockServiceClient<Channel>,
    pub profiles: ProfileServiceClient<Channel>,
    pub activities: ActivityServiceClient<Channel>,
    pub insights: InsightServiceClient<Channel>,
    pub feedback: FeedbackServiceClient<Channel>,
    pub tickets: TicketServiceClient<Channel>,
    pub points: PointsServiceClient<Channel>,
    pub tiers: TierServiceClient<Channel>,
    pub memberships: MembershipServiceClient<Channel>,
    pub compensation: CompensationServiceClient<Channel>,
    pub referrals: ReferralServiceClient<Channel>,
    pub notifications: NotificationServiceClient<Channel>,
    pub inbox: InboxServiceClient<Channel>,
}

impl Clients {
    /// Over one channel for each of identity, feedback, loyalty, notification.
    pub fn new([identity, feedback, loyalty, notification]: [Channel; 4]) -> Self {
        Self {
            clock: ClockServiceClient::new(identity.clone()),
            profiles: ProfileServiceClient::new(identity.clone()),
            activities: ActivityServiceClient::new(identity.clone()),
            insights: InsightServiceClient::new(identity),
            feedback: FeedbackServiceClient::new(feedback.clone()),
            tickets: TicketServiceClient::new(feedback),
            points: PointsServiceClient::new(loyalty.clone()),
            tiers: TierServiceClient::new(loyalty.clone()),
            memberships: MembershipServiceClient::new(loyalty.clone()),
            compensation: CompensationServiceClient::new(loyalty.clone()),
            referrals: ReferralServiceClient::new(loyalty),
            notifications: NotificationServiceClient::new(notification.clone()),
            inbox: InboxServiceClient::new(notification),
        }
    }
}
