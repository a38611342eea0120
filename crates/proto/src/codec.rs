//! The codec of every generated server and client: protobuf, decoded and checked in one step.
//!
//! tonic's own codec answers undecodable bytes with INTERNAL, which in this suite means a bug of
//! ours. A request that cannot be decoded, or breaks a bound, is the caller's: INVALID_ARGUMENT.

use crate::contract::{At, Contract, Violations};
use std::marker::PhantomData;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::ProstEncoder;
use tonic_types::{ErrorDetails, StatusExt};

/// Protobuf with the contract's bounds enforced on whatever is received.
#[derive(Debug, Clone)]
pub struct ContractCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ContractCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for ContractCodec<T, U>
where
    T: prost::Message + Send + 'static,
    U: Contract + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ContractDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ContractDecoder(PhantomData)
    }
}

/// Most messages have some hundred bytes, and larger ones make room for themselves; tonic's 8 KiB
/// for each are as many cold cache lines. A stream hands over what it gathered after 32 KiB, as
/// tonic's does.
fn buffers() -> BufferSettings {
    BufferSettings::new(1_024, 32 * 1_024)
}

/// Decodes one message and checks it.
#[derive(Debug)]
pub struct ContractDecoder<U>(PhantomData<U>);

impl<U: Contract + Default> Decoder for ContractDecoder<U> {
    type Item = U;
    type Error = Status;

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let message = U::decode(buffer).map_err(|error| malformed::<U>(&error))?;
        if U::INBOUND {
            let mut found = Violations::default();
            message.check(&At::ROOT, &mut found);
            if !found.is_empty() {
                return Err(found.into_status());
            }
        }
        Ok(Some(message))
    }
}

fn malformed<U: Contract>(error: &prost::DecodeError) -> Status {
    if !U::INBOUND {
        return Status::internal(format!("the answer could not be decoded: {error}"));
    }
    let details = ErrorDetails::with_error_info(
        "MALFORMED_MESSAGE",
        "perennial",
        std::collections::HashMap::new(),
    );
    Status::with_error_details(
        Code::InvalidArgument,
        "the request is not a valid message of this method",
        details,
    )
}
