//! `perennial token new`: a secret for the caller, and lines for the settings that hold only its
//! hash.

use crate::cli;
use perennial_platform::auth::{check_scope, token::generate};
use perennial_platform::config::TokenConfig;
use serde::Serialize;

/// The part of the settings that names one caller.
#[derive(Serialize)]
struct Lines {
    auth: Callers,
}

#[derive(Serialize)]
struct Callers {
    tokens: Vec<TokenConfig>,
}

/// Prints both.
pub fn run(command: cli::Token) -> anyhow::Result<()> {
    let cli::Token::New { name, scopes } = command;
    for scope in &scopes {
        check_scope(scope)?;
    }
    let (secret, sha256) = generate()?;
    let token = TokenConfig { name, sha256, scopes, calls_per_second: 0 };
    println!("The secret, for the caller; it is shown once and kept nowhere:\n\n  {secret}\n");
    println!("The lines for the settings (calls_per_second = 0 means no limit):\n");
    println!("{}", toml::to_string(&Lines { auth: Callers { tokens: vec![token] } })?);
    println!("The caller sends it as metadata: authorization: Bearer {secret}");
    Ok(())
}
