//! From a host name to the sockets behind it.

use futures::future::BoxFuture;
use std::io;
use std::net::SocketAddr;

/// Finds the endpoints behind a host. Asked again and again, so that it may answer with what is
/// there now; an error or an empty answer keeps the endpoints found before.
pub trait Resolve: Send + Sync + 'static {
    /// Every socket address of `host`, with `port` unless it knows better.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The resolver of the operating system: all addresses of a name, such as those of the pods behind
/// a headless Service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dns;

impl Resolve for Dns {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
