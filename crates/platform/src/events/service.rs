//! `perennial.events.v1.EventLogService`: a service's log, served to the others.

use super::{parked, read};
use crate::db::{Db, consumers, parked_events};
use crate::error::{Code, Error, Result};
use crate::page::Pages;
use crate::tasks::Tasks;
use crate::time;
use crate::wake::{Wake, WakeListener};
use futures::stream::{BoxStream, StreamExt};
use perennial_proto::events::v1 as proto;
use perennial_proto::events::v1::event_log_service_server::EventLogService;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use std::time::Duration;
use tonic::{Request, Response, Status};

/// A follower looks by itself this often, should a wake-up be lost.
const LOOK: Duration = Duration::from_millis(500);

/// Serves the log of one service.
#[derive(Debug, Clone)]
pub struct LogService {
    source: &'static str,
    db: Db,
    pages: Pages,
    wake: Wake,
    tasks: Tasks,
}

impl LogService {
    /// Serves the log kept in `db`, under the name of the service.
    pub fn new(source: &'static str, db: &Db, pages: Pages, wake: Wake, tasks: Tasks) -> Self {
        Self { source, db: db.clone(), pages, wake, tasks }
    }
}

/// Where a stream of the log stands.
struct Cursor {
    log: LogService,
    request: proto::ReadRequest,
    after: i64,
    grew: WakeListener,
    at_head: bool,
}

impl Cursor {
    /// The next message; `None` ends the stream: at the head, or because the process stops.
    async fn next(&mut self) -> Result<Option<proto::ReadResponse>> {
        loop {
            if self.at_head {
                if !self.request.follow {
                    return Ok(None);
                }
                tokio::select! {
                    () = self.log.tasks.stopping().cancelled() => return Ok(None),
                    () = self.grew.wait() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
            let page =
                read::page(self.log.db.read(), self.log.source, &self.request, self.after).await?;
            self.at_head = page.events.len() < read::PAGE;
            let moved = page.position > self.after;
            self.after = page.position;
            if moved || !self.request.follow {
                return Ok(Some(page));
            }
        }
    }
}

#[tonic::async_trait]
impl EventLogService for LogService {
    type ReadStream = BoxStream<'static, Result<proto::ReadResponse, Status>>;

    async fn read(
        &self,
        request: Request<proto::ReadRequest>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let request = request.into_inner();
        let head = read::head(self.db.read()).await?;
        if request.after > head {
            // A reader who knows more than the log has: the log was restored from a backup.
            // Silence until the log has grown past the reader would hide what happens meanwhile.
            return Err(Error::new(
                Code::OutOfRange,
                "POSITION_AHEAD",
                "the position lies beyond the end of this log",
            )
            .with("head", head)
            .into());
        }
        let cursor = Cursor {
            log: self.clone(),
            after: request.after,
            grew: self.wake.listen(&format!("log:{}", self.source)),
            request,
            at_head: false,
        };
        let stream = futures::stream::try_unfold(cursor, |mut cursor| async move {
            let page = cursor.next().await.map_err(Status::from)?;
            Ok(page.map(|page| (page, cursor)))
        });
        Ok(Response::new(stream.boxed()))
    }

    async fn list_consumers(
        &self,
        _: Request<proto::ListConsumersRequest>,
    ) -> Result<Response<proto::ListConsumersResponse>, Status> {
        let rows = consumers::Entity::find()
            .order_by_asc(consumers::Column::Name)
            .all(self.db.read())
            .await
            .map_err(Error::from)?;
        let mut consumers = Vec::with_capacity(rows.len());
        for row in rows {
            let parked = parked_events::Entity::find()
                .filter(parked_events::Column::Consumer.eq(&row.name))
                .count(self.db.read())
                .await
                .map_err(Error::from)?;
            consumers.push(proto::Consumer {
                name: row.name,
                source: row.source,
                position: row.position,
                parked: i64::try_from(parked).unwrap_or(i64::MAX),
                update_time: Some(time::to_proto(row.updated_at)),
            });
        }
        Ok(Response::new(proto::ListConsumersResponse { consumers }))
    }

    async fn list_parked(
        &self,
        request: Request<proto::ListParkedRequest>,
    ) -> Result<Response<proto::ListParkedResponse>, Status> {
        Ok(Response::new(parked::list(&self.db, &self.pages, request.get_ref()).await?))
    }

    async fn replay_parked(
        &self,
        request: Request<proto::ReplayParkedRequest>,
    ) -> Result<Response<proto::ReplayParkedResponse>, Status> {
        parked::replay(&self.db, request.get_ref()).await?;
        Ok(Response::new(proto::ReplayParkedResponse {}))
    }
}
