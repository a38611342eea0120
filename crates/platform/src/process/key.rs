//! The master key: from the settings, or from a file made on first start.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};
use crate::vault::Vault;

const FILE: &str = "master.key";

/// The key in the settings, else the one in the data folder, which is made if there is none.
///
/// Errors: INVALID_ARGUMENT when it is not base64; INTERNAL when the file cannot be read or made.
pub(super) fn master_key(configured: Option<&SecretString>, data: &Path) -> Result<Vec<u8>> {
    if let Some(key) = configured {
        return decode(key.expose_secret());
    }
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => decode(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), "made a master key; keep it, or set master_key");
            make(&path)
        }
        Err(error) => Err(Error::internal(error)),
    }
}

fn make(path: &Path) -> Result<Vec<u8>> {
    let key = Vault::generate_master()?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::internal)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::internal)?;
    file.write_all(STANDARD.encode(key).as_bytes())
        .map_err(Error::internal)?;
    // What is sealed with it would be lost with it.
    file.sync_all().map_err(Error::internal)?;
    Ok(key.to_vec())
}

fn decode(text: &str) -> Result<Vec<u8>> {
    STANDARD
        .decode(text.trim())
        .map_err(|_| Error::invalid("master_key", "must be 32 bytes in base64"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made = master_key(None, &data).unwrap();
        assert_eq!(made.len(), 32);
        assert_eq!(master_key(None, &data).unwrap(), made);
        let mode = std::fs::metadata(data.join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_configured_key_wins_and_has_to_be_base64() {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretString::from(STANDARD.encode([7; 32]));
        assert_eq!(master_key(Some(&key), folder.path()).unwrap(), [7; 32]);
        let wrong = SecretString::from("not base64!");
        assert!(master_key(Some(&wrong), folder.path()).is_err());
        assert!(!folder.path().join(FILE).exists());
    }
}
