//! The first bytes of every HTTP/2 connection (RFC 9113, section 3.4): waited for before anything
//! is built for a peer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Pause between looks at a preface that comes in pieces.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for the preface without taking it from the stream; false for anything else.
pub(super) async fn is_next(stream: &TcpStream) -> io::Result<bool> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        if count == 0 || seen[..count] != PREFACE[..count] {
            return Ok(false);
        }
        if count == PREFACE.len() {
            return Ok(true);
        }
        // More has to come, but a peek returns at once as long as something is there.
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the first byte is the preface's.
pub(super) async fn may_be_next(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let count = stream.peek(&mut first).await?;
    Ok(count == 1 && first[0] == PREFACE[0])
}

/// A stream whose preface was read, because it cannot be peeked at; it is read again from here.
pub(super) struct Seen<S> {
    again: &'static [u8],
    stream: S,
}

impl<S: AsyncRead + Unpin> Seen<S> {
    /// Reads the preface; `None` for anything else.
    pub(super) async fn take(mut stream: S) -> io::Result<Option<Self>> {
        let mut seen = [0; PREFACE.len()];
        stream.read_exact(&mut seen).await?;
        Ok((seen == PREFACE).then_some(Self { again: PREFACE, stream }))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Seen<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.again.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let (now, later) = self.again.split_at(self.again.len().min(into.remaining()));
        into.put_slice(now);
        self.again = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Seen<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
