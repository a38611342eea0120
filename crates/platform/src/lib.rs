//! What every service of Perennial stands on. Nothing here knows what a customer is.
//!
//! In reading order: values ([`error`], [`id`], [`time`], [`clock`], [`page`], [`vault`]),
//! storage ([`db`], [`idempotency`], [`commit`], [`events`]), background work ([`work`],
//! [`jobs`], [`tasks`]), settings ([`config`]), and the server around it all ([`host`],
//! [`process`], [`auth`], `tls`, [`telemetry`], [`cache`], [`limits`], [`wake`]).

pub mod clock;
pub mod error;
pub mod id;
pub mod page;
pub mod time;
pub mod vault;

pub mod commit;
pub mod db;
pub mod events;
pub mod gather;
pub mod idempotency;

pub mod backlog;
pub mod jobs;
pub mod tasks;
pub mod work;

pub mod auth;
pub mod cache;
pub mod config;
mod files;
pub mod host;
pub mod limits;
pub mod process;
mod redis;
pub mod telemetry;
mod tls;
pub mod wake;

pub use error::{Code, Error, Result};
