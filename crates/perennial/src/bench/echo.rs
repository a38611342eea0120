//! A bare tonic server: what a unary call costs when nothing is done.

use perennial_proto::admin::v1::clock_service_server::{ClockService, ClockServiceServer};
use perennial_proto::admin::v1::{
    AdvanceRequest, AdvanceResponse, GetTimeRequest, GetTimeResponse,
};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

struct Echo;

#[tonic::async_trait]
impl ClockService for Echo {
    async fn get_time(
        &self,
        _: Request<GetTimeRequest>,
    ) -> Result<Response<GetTimeResponse>, Status> {
        Ok(Response::new(GetTimeResponse::default()))
    }

    async fn advance(
        &self,
        _: Request<AdvanceRequest>,
    ) -> Result<Response<AdvanceResponse>, Status> {
        Err(Status::unimplemented("an echo has no clock"))
    }
}

/// Listens on a free port; serves as long as the future is polled.
pub(super) async fn serve() -> anyhow::Result<(SocketAddr, impl Future<Output = ()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let serving = async move {
        let incoming = TcpListenerStream::new(listener);
        let server = Server::builder().add_service(ClockServiceServer::new(Echo));
        if let Err(error) = server.serve_with_incoming(incoming).await {
            tracing::error!(%error, "the echo server ended");
        }
    };
    Ok((address, serving))
}
