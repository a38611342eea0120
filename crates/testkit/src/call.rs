//! Calls a method by its path with bytes that are already encoded, as a client without the
//! contract's types would.

use bytes::{Buf as _, BufMut as _, Bytes};
use perennial_proto::Method;
use std::time::Duration;
use tokio_stream::StreamExt as _;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{Body as HttpBody, StdError};
use tonic::{Request, Status};

/// Bytes in, bytes out.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        *self
    }
    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}

/// How long a server stream is listened to, and at most how many messages are taken from it.
const LISTEN: Duration = Duration::from_millis(50);
const TAKE: usize = 5;

/// Sends the messages (one, unless the method takes a stream) and returns the answers: one, or
/// the first few of a stream. `token` becomes the bearer token.
pub async fn call<C>(
    channel: &C,
    method: &Method,
    messages: Vec<Vec<u8>>,
    token: Option<&str>,
) -> Result<Vec<Vec<u8>>, Status>
where
    C: GrpcService<Body> + Clone,
    C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <C::ResponseBody as HttpBody>::Error: Into<StdError>,
{
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::unavailable(error.into().to_string()))?;
    let path = http::uri::PathAndQuery::from_static(method.path);
    let mut request = Request::new(tokio_stream::iter(messages));
    request.set_timeout(Duration::from_secs(20));
    if let Some(token) = token {
        let value = format!("Bearer {token}");
        let value = value.parse().map_err(|_| Status::invalid_argument("no header value"))?;
        request.metadata_mut().insert("authorization", value);
    }
    let mut answers = client.streaming(request, path, Raw).await?.into_inner();
    if !method.server_streaming {
        let only = answers.message().await?;
        return Ok(only.into_iter().collect());
    }
    let mut taken = Vec::new();
    while taken.len() < TAKE {
        match tokio::time::timeout(LISTEN, answers.next()).await {
            Ok(Some(answer)) => taken.push(answer?),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(taken)
}
