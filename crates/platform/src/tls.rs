//! TLS by rustls on ring: the server's side, the side towards peers, and who a certificate names.
//!
//! tonic reads certificates once. Here every new connection uses what the files hold by then
//! ([`crate::files`]); connections that are open keep what they began with, until their age ends
//! them.

mod client;
mod pem;
mod server;
mod spiffe;

pub(crate) use client::PeerTls;
pub(crate) use server::ServerTls;
pub(crate) use spiffe::SpiffeId;

/// The protocol that is agreed on in the handshake: HTTP/2 and nothing else.
const ALPN: &[u8] = b"h2";
