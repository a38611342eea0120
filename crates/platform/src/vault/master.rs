//! Where the master key comes from.

use super::{KEY_LENGTH, Vault};
use crate::error::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The configured key (64 hexadecimal digits), or without one the key kept in `master.key` in the
/// data folder, made on first start and readable by its owner only. Errors: INVALID_ARGUMENT for
/// a key of another form; UNAVAILABLE when the file can be neither read nor made.
pub fn master_key(configured: Option<&SecretString>, data: &Path) -> Result<Vec<u8>> {
    if let Some(key) = configured {
        return parse(key.expose_secret(), "master_key");
    }
    let file = data.join("master.key");
    match std::fs::read_to_string(&file) {
        Ok(text) => parse(text.trim(), "master.key"),
        Err(error) if error.kind() == ErrorKind::NotFound => make(&file),
        Err(error) => Err(unusable(&file, error)),
    }
}

fn parse(text: &str, field: &str) -> Result<Vec<u8>> {
    hex::decode(text)
        .ok()
        .filter(|key| key.len() == KEY_LENGTH)
        .ok_or_else(|| Error::invalid(field, "must be 64 hexadecimal digits"))
}

fn make(file: &Path) -> Result<Vec<u8>> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, error))?;
    }
    let key = Vault::generate_master()?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(mut out) => {
            let written = writeln!(out, "{}", hex::encode(key)).and_then(|()| out.sync_all());
            written.map_err(|error| unusable(file, error))?;
            Ok(key.to_vec())
        }
        // Another process of the suite was faster; its key is the one.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(file).map_err(|error| unusable(file, error))?;
            parse(text.trim(), "master.key")
        }
        Err(error) => Err(unusable(file, error)),
    }
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    let message = format!("{} can be neither read nor made", path.display());
    Error::unavailable("MASTER_KEY_FILE", message).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = master_key(None, folder.path()).unwrap();
        assert_eq!(master_key(None, folder.path()).unwrap(), first);
        let configured = SecretString::from("07".repeat(KEY_LENGTH));
        assert_eq!(master_key(Some(&configured), folder.path()).unwrap(), [7; KEY_LENGTH]);
        assert!(master_key(Some(&SecretString::from("abc")), folder.path()).is_err());
    }
}
