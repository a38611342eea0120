//! AuditService.

use crate::app::{App, message};
use crate::domain::Entry;
use perennial_platform::time;
use perennial_proto::loyalty::v1::audit_service_server::AuditService;
use perennial_proto::loyalty::v1::{
    Extension, GetHeadRequest, GetHeadResponse, ListExtensionsRequest, ListExtensionsResponse,
    ListLedgerRequest, ListLedgerResponse, VerifyLedgerRequest, VerifyLedgerResponse,
};
use tonic::{Request, Response, Status};

/// The ledger for auditors.
pub(crate) struct Audit {
    pub(crate) app: App,
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn get_head(
        &self,
        _request: Request<GetHeadRequest>,
    ) -> Result<Response<GetHeadResponse>, Status> {
        let head = self.app.head().await?;
        Ok(Response::new(GetHeadResponse {
            seq: head.seq,
            hash: head.hash.to_vec(),
            hash_from_seq: head.hash_from_seq,
            record_time: (head.seq > 0).then(|| time::to_proto(head.recorded_at)),
        }))
    }

    async fn list_ledger(
        &self,
        request: Request<ListLedgerRequest>,
    ) -> Result<Response<ListLedgerResponse>, Status> {
        let request = request.into_inner();
        let (size, _) = self.app.pages.open::<()>(request.page_size, "", "ledger")?;
        let (entries, more, hash_from_seq) = self.app.ledger_after(request.after_seq, size).await?;
        let last = entries.last().filter(|_| more).map_or(0, |entry| entry.seq);
        Ok(Response::new(ListLedgerResponse {
            entries: entries.into_iter().map(message::entry).collect(),
            next_after_seq: last,
            hash_from_seq,
        }))
    }

    async fn verify_ledger(
        &self,
        request: Request<VerifyLedgerRequest>,
    ) -> Result<Response<VerifyLedgerResponse>, Status> {
        let request = request.into_inner();
        let found = self.app.verify(request.from_seq, request.to_seq).await?;
        Ok(Response::new(VerifyLedgerResponse {
            entries: found.entries,
            last_seq: found.last_seq,
            last_hash: found.last_hash.to_vec(),
            violations: found.violations,
            more: found.more,
        }))
    }

    async fn list_extensions(
        &self,
        request: Request<ListExtensionsRequest>,
    ) -> Result<Response<ListExtensionsResponse>, Status> {
        let request = request.into_inner();
        let pages = &self.app.pages;
        let (size, before) =
            pages.open::<i64>(request.page_size, &request.page_token, "extensions")?;
        let (entries, next) = self.app.extensions(before, size).await?;
        let next = next.map(|seq| pages.token("extensions", &seq));
        Ok(Response::new(ListExtensionsResponse {
            extensions: entries.into_iter().map(extension).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }
}

fn extension(entry: Entry) -> Extension {
    let lot = entry.allocations.first().map(|part| part.lot.to_string());
    Extension {
        lot_id: lot.unwrap_or_default(),
        points: entry.points,
        former_expire_time: message::former(&entry).map(time::to_proto),
        expire_time: entry.expires_at.map(time::to_proto),
        extend_time: Some(time::to_proto(entry.recorded_at)),
        entry_id: entry.id.to_string(),
        cause: entry.origin.reason,
        user_id: entry.user,
    }
}
