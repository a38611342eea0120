//! Settings: defaults, then a TOML file, then environment variables; unknown keys are refused.
//!
//! `PERENNIAL__LOYALTY__DATABASE__URL=...` sets `[loyalty.database] url`.

mod auth;
mod database;
pub mod server;
mod tls;

pub use auth::{AuthConfig, CallerConfig, JwtConfig, TokenConfig};
pub use database::DatabaseConfig;
pub use server::*;
pub use tls::{PeerTlsConfig, TlsConfig};

use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

const PREFIX: &str = "PERENNIAL";
const SEPARATOR: &str = "__";

/// Reads the settings of the whole process; later files win over earlier ones, so that secrets
/// can come from a file of their own. Errors: INVALID_ARGUMENT with the key that is
/// unknown or has a value of the wrong kind.
pub fn load<'a, T: Default + Serialize + DeserializeOwned>(
    files: impl IntoIterator<Item = &'a Path>,
) -> Result<T> {
    let wrong = |error: ::config::ConfigError| {
        Error::new(crate::error::Code::InvalidArgument, "INVALID_CONFIG", error.to_string())
    };
    let mut builder = ::config::Config::builder();
    for path in files {
        builder = builder.add_source(::config::File::from(path).format(::config::FileFormat::Toml));
    }
    builder
        .add_source(
            ::config::Environment::with_prefix(PREFIX)
                .prefix_separator(SEPARATOR)
                .separator(SEPARATOR)
                .try_parsing(true),
        )
        .build()
        .and_then(::config::Config::try_deserialize)
        .map_err(wrong)
}

/// The settings as TOML, as `--print-config` shows them.
pub fn to_toml<T: Serialize>(settings: &T) -> Result<String> {
    toml::to_string_pretty(settings).map_err(Error::internal)
}
