//! Requests for any method, made from the descriptor set alone: a new RPC is fuzzed without a line
//! of code.
//!
//! Every case starts from a request that keeps all bounds, so that handlers are reached, and most
//! then break it: one to three fields are set to boundary or hostile values, or the encoded bytes
//! are damaged. Identifiers found in answers are used again, so that later cases meet real rows.

mod driver;
mod hostile;
mod valid;

pub use driver::break_nothing;

use crate::random::Random;
use perennial_proto::options::v1::FieldRules;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor, Value,
};
use std::collections::{BTreeMap, VecDeque};

/// Makes requests; keeps what answers taught it.
#[derive(Debug)]
pub struct Generator {
    pool: DescriptorPool,
    rules: ExtensionDescriptor,
    random: Random,
    /// Strings of earlier answers by the names of their fields, the newest last: identifiers and
    /// page tokens.
    seen: BTreeMap<String, VecDeque<String>>,
    /// Optional fields are set this many times in ten.
    density: usize,
}

/// Strings to remember for each name of a field.
const SEEN: usize = 40;

impl Generator {
    /// A generator over the suite's contracts; the same seed and answers give the same cases.
    ///
    /// # Panics
    /// When the descriptor set cannot be read.
    pub fn new(seed: u64) -> Self {
        let pool = DescriptorPool::decode(perennial_proto::DESCRIPTOR_SET)
            .expect("the build's own descriptor set");
        let rules = pool
            .get_extension_by_name("perennial.options.v1.rules")
            .expect("the contracts declare the rules option");
        Self { pool, rules, random: Random::new(seed), seen: BTreeMap::new(), density: 5 }
    }

    /// A request that keeps every bound that the contract states.
    pub fn valid(&mut self, input: &str) -> DynamicMessage {
        let descriptor = self.message(input);
        // Sparse messages get past rules between fields; dense ones try every field.
        self.density = *self.random.pick(&[2, 2, 5, 9]);
        self.valid_message(&descriptor, 0)
    }

    /// One encoded case for a method's request message: valid one time in four.
    pub fn case(&mut self, input: &str) -> Vec<u8> {
        let mut message = self.valid(input);
        match self.random.below(8) {
            0 | 1 => message.encode_to_vec(),
            2 => self.damaged(message.encode_to_vec()),
            _ => {
                for _ in 0..=self.random.below(3) {
                    self.spoil(&mut message);
                }
                message.encode_to_vec()
            }
        }
    }

    /// Remembers the strings of an answer for later cases. Bytes that are no such message are
    /// ignored: judging answers is the caller's work.
    pub fn learn(&mut self, output: &str, answer: &[u8]) {
        if let Ok(message) = DynamicMessage::decode(self.message(output), answer) {
            self.remember("", &Value::Message(message));
        }
    }

    fn remember(&mut self, field: &str, value: &Value) {
        match value {
            Value::String(text) if (1..=1024).contains(&text.len()) => {
                let seen = self.seen.entry(field.to_owned()).or_default();
                if seen.len() == SEEN {
                    seen.pop_front();
                }
                seen.push_back(text.clone());
            }
            Value::Message(message) => {
                message.fields().for_each(|(field, inner)| self.remember(field.name(), inner));
            }
            Value::List(items) => items.iter().for_each(|inner| self.remember(field, inner)),
            _ => {}
        }
    }

    fn message(&self, name: &str) -> MessageDescriptor {
        self.pool.get_message_by_name(name).expect("a message of the contracts")
    }

    fn rules(&self, field: &FieldDescriptor) -> FieldRules {
        match field.options().get_extension(&self.rules).as_ref() {
            Value::Message(rules) => rules.transcode_to().unwrap_or_default(),
            _ => FieldRules::default(),
        }
    }

    /// Flips, drops or adds bytes.
    fn damaged(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.random.below(4) {
            let byte = self.random.bits().to_le_bytes()[0];
            let at = self.random.below(bytes.len() + 1);
            match self.random.below(4) {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at),
                _ if at < bytes.len() => bytes[at] ^= byte | 1,
                _ => bytes.extend([byte; 3]),
            }
        }
        bytes
    }
}
