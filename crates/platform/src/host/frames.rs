//! The limit on the size of messages that callers send, for all services in one place.
//!
//! tonic sets it per generated server and answers OUT_OF_RANGE; here the lengths announced in the
//! gRPC frames are read as they pass, before anything is gathered in memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use crate::error::Error;

/// A frame starts with a flag and the length of the message, big-endian.
const HEADER: usize = 5;

/// A request body whose messages may have `maximum` bytes each.
pub(super) struct Frames<B> {
    inner: B,
    scan: Scan,
}

/// Where in the sequence of frames the body is.
struct Scan {
    maximum: usize,
    header: [u8; HEADER],
    filled: usize,
    message_left: usize,
}

impl<B> Frames<B> {
    pub(super) fn new(inner: B, maximum: usize) -> Self {
        let scan = Scan { maximum, header: [0; HEADER], filled: 0, message_left: 0 };
        Self { inner, scan }
    }
}

impl Scan {
    fn pass(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            let skipped = self.message_left.min(data.len());
            self.message_left -= skipped;
            data = &data[skipped..];
            let wanted = (HEADER - self.filled).min(data.len());
            self.header[self.filled..self.filled + wanted].copy_from_slice(&data[..wanted]);
            self.filled += wanted;
            data = &data[wanted..];
            if self.filled == HEADER {
                self.filled = 0;
                let [_, a, b, c, d] = self.header;
                self.message_left = u32::from_be_bytes([a, b, c, d]) as usize;
                self.check()?;
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Status> {
        if self.message_left <= self.maximum {
            return Ok(());
        }
        let message = format!(
            "a message has {} bytes, at most {} are taken",
            self.message_left, self.maximum
        );
        let error = Error::exhausted("MESSAGE_TOO_LARGE", message);
        Err(error.with("max_bytes", self.maximum).with("bytes", self.message_left).into())
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Frames<B>
where
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|error| Status::from_error(Box::new(error)))?;
            if let Some(data) = frame.data_ref() {
                self.scan.pass(data)?;
            }
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.extend(std::iter::repeat_n(7, length));
        bytes
    }

    fn pass(bytes: &[u8], piece: usize) -> Result<(), Status> {
        let mut scan = Scan { maximum: 10, header: [0; HEADER], filled: 0, message_left: 0 };
        bytes.chunks(piece).try_for_each(|data| scan.pass(data))
    }

    #[test]
    fn lengths_are_read_however_the_bytes_are_cut() {
        let good = [frame(10), frame(0), frame(3)].concat();
        let bad = [frame(10), frame(0), frame(11)].concat();
        for piece in 1..good.len() {
            assert!(pass(&good, piece).is_ok(), "pieces of {piece}");
            let refused = pass(&bad, piece).unwrap_err();
            assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "pieces of {piece}");
        }
    }
}
