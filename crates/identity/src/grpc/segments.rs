//! `SegmentService`.

use super::convert::insight::from_observations;
use super::cut;
use crate::app::Identity;
use crate::domain::lifecycle::Segment;
use perennial_platform::{Error, time};
use perennial_proto::identity::v1::segment_service_server::SegmentService;
use perennial_proto::identity::v1::{
    CountMembersRequest, CountMembersResponse, GetMembershipRequest, GetMembershipResponse,
    ListMembersRequest, ListMembersResponse, Member, SegmentCount, SegmentFinding,
};
use tonic::{Request, Response, Status};

/// Serves segments.
#[derive(Debug)]
pub struct SegmentApi(pub Identity);

#[tonic::async_trait]
impl SegmentService for SegmentApi {
    async fn get_membership(
        &self,
        request: Request<GetMembershipRequest>,
    ) -> Result<Response<GetMembershipResponse>, Status> {
        let user_id = request.into_inner().user_id;
        let live = self.0.live(&user_id).await?;
        let primary = live.evaluation.verdict.segments.primary();
        let segments = live.evaluation.findings.into_iter().map(|finding| SegmentFinding {
            segment: finding.segment.key().to_owned(),
            member: finding.member,
            observations: from_observations(finding.observations),
        });
        Ok(Response::new(GetMembershipResponse {
            user_id,
            segments: segments.collect(),
            primary_segment: primary.map(|segment| segment.key().to_owned()).unwrap_or_default(),
            evaluate_time: Some(time::to_proto(live.time)),
            next_change_time: live.next_change.map(time::to_proto),
        }))
    }

    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Result<Response<ListMembersResponse>, Status> {
        let request = request.into_inner();
        let segment = Segment::from_key(&request.segment)
            .ok_or_else(|| Error::not_found("SEGMENT_NOT_FOUND", "no segment has this name"))?;
        let shown = format!("members/{}", request.segment);
        let pages = &self.0.pages;
        let (size, after) = pages.open::<String>(request.page_size, &request.page_token, &shown)?;
        let rows = self.0.members(segment, after.as_deref(), size + 1).await?;
        let (rows, last) = cut(rows, size, |(user_id, _)| user_id.clone());
        let members = rows.into_iter().map(|(user_id, enter_time)| Member {
            user_id,
            enter_time: Some(time::to_proto(enter_time)),
        });
        Ok(Response::new(ListMembersResponse {
            members: members.collect(),
            next_page_token: last.map(|key| pages.token(&shown, &key)).unwrap_or_default(),
        }))
    }

    async fn count_members(
        &self,
        _: Request<CountMembersRequest>,
    ) -> Result<Response<CountMembersResponse>, Status> {
        let (counts, users) = self.0.count_members().await?;
        let count = |(segment, members): (Segment, i64)| SegmentCount {
            segment: segment.key().to_owned(),
            members,
        };
        Ok(Response::new(CountMembersResponse { counts: counts.map(count).to_vec(), users }))
    }
}
