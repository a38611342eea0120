//! A unary request as it goes over the wire, with the request id that makes repeating it safe.

use bytes::{BufMut, Bytes, BytesMut};
use perennial_proto::Method;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field, string};
use uuid::Uuid;

/// gRPC puts a flag (compressed or not) and the length before a message.
const HEAD: usize = 5;

/// One message, ready to be sent any number of times.
pub(crate) struct Framed {
    /// Head and message.
    pub(crate) bytes: Bytes,
    /// Whether sending it twice has no second effect.
    pub(crate) repeatable: bool,
}

/// Prepares the message of `method`. A write whose `request_id` is empty is given one here, once,
/// before the first attempt. A write that takes none, or that cannot be looked into (compressed),
/// is not repeatable.
pub(crate) fn prepare(bytes: Bytes, method: &Method) -> Framed {
    let Some(field) = method.request_id else {
        return Framed { bytes, repeatable: method.read_only };
    };
    match bytes.split_at_checked(HEAD) {
        Some(([0, ..], message)) => match holds_text(message, field) {
            Some(true) => Framed { bytes, repeatable: true },
            Some(false) => Framed { bytes: with_id(message, field), repeatable: true },
            None => Framed { bytes, repeatable: method.read_only },
        },
        _ => Framed { bytes, repeatable: method.read_only },
    }
}

/// Whether the string `field` stands in the message and is not empty; `None` for bytes that are no
/// message. As in any decoder, the last occurrence counts.
fn holds_text(mut message: &[u8], field: u32) -> Option<bool> {
    let mut holds = false;
    while !message.is_empty() {
        let (tag, kind) = decode_key(&mut message).ok()?;
        if tag == field && kind == WireType::LengthDelimited {
            let mut text = String::new();
            string::merge(kind, &mut text, &mut message, DecodeContext::default()).ok()?;
            holds = !text.is_empty();
        } else {
            skip_field(kind, tag, &mut message, DecodeContext::default()).ok()?;
        }
    }
    Some(holds)
}

/// The frame of the message with a fresh id behind it: fields may come in any order.
fn with_id(message: &[u8], field: u32) -> Bytes {
    let mut body = BytesMut::with_capacity(message.len() + 48);
    body.put_slice(message);
    string::encode(field, &Uuid::new_v4().to_string(), &mut body);
    let mut bytes = BytesMut::with_capacity(HEAD + body.len());
    bytes.put_u8(0);
    // A message of 4 GiB would have failed to encode.
    bytes.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    bytes.unsplit(body);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use perennial_proto::loyalty::v1::{EarnRequest, GetBalanceRequest};
    use prost::Message;

    fn frame(message: &impl Message) -> Bytes {
        let body = message.encode_to_vec();
        let mut bytes = BytesMut::new();
        bytes.put_u8(0);
        bytes.put_u32(u32::try_from(body.len()).unwrap());
        bytes.put_slice(&body);
        bytes.freeze()
    }

    fn method(path: &str) -> &'static Method {
        perennial_proto::method(path).unwrap()
    }

    const EARN: &str = "/perennial.loyalty.v1.PointsService/Earn";

    #[test]
    fn an_empty_request_id_is_filled_and_all_else_stays() {
        let asked = EarnRequest { user_id: "ada".into(), ..EarnRequest::default() };
        let framed = prepare(frame(&asked), method(EARN));
        assert!(framed.repeatable);
        let length = u32::from_be_bytes(framed.bytes[1..5].try_into().unwrap());
        assert_eq!(length as usize, framed.bytes.len() - HEAD);
        let sent = EarnRequest::decode(&framed.bytes[HEAD..]).unwrap();
        let id = Uuid::parse_str(&sent.request_id).unwrap();
        assert_eq!(id.get_version_num(), 4);
        assert_eq!(EarnRequest { request_id: String::new(), ..sent }, asked);
    }

    #[test]
    fn a_request_id_of_the_caller_stays() {
        let asked = EarnRequest { request_id: "mine".into(), ..EarnRequest::default() };
        let framed = prepare(frame(&asked), method(EARN));
        assert!(framed.repeatable);
        assert_eq!(framed.bytes, frame(&asked));
    }

    #[test]
    fn a_read_is_repeatable_as_it_is() {
        let asked = GetBalanceRequest { user_id: "ada".into() };
        let framed =
            prepare(frame(&asked), method("/perennial.loyalty.v1.PointsService/GetBalance"));
        assert!(framed.repeatable);
        assert_eq!(framed.bytes, frame(&asked));
    }

    #[test]
    fn what_cannot_be_looked_into_is_not_repeatable() {
        let mut compressed = frame(&EarnRequest::default()).to_vec();
        compressed[0] = 1;
        for bytes in [compressed.into(), Bytes::from_static(&[0, 0, 0, 0, 1, 0xff]), Bytes::new()] {
            let framed = prepare(bytes.clone(), method(EARN));
            assert!(!framed.repeatable);
            assert_eq!(framed.bytes, bytes);
        }
    }

    #[test]
    fn a_write_that_takes_no_request_id_is_not_repeatable() {
        let method = perennial_proto::METHODS
            .iter()
            .find(|m| !m.read_only && m.request_id.is_none() && !m.client_streaming)
            .unwrap();
        assert!(!prepare(Bytes::new(), method).repeatable);
    }
}
