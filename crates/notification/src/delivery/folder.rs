//! The embedded e-mail channel: .eml files that any mail program opens.

use super::refused;
use crate::app::{NotificationId, Refused};
use crate::domain::retry::Setback;
use chrono::{DateTime, Utc};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A folder with one sub-folder a day.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// At a path; made when the first mail is written.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Writes a mail so that it is there as a whole or not at all. A second attempt at the same
    /// message writes the same file, so here a message arrives exactly once.
    pub(super) async fn write(
        &self,
        id: NotificationId,
        send_at: DateTime<Utc>,
        mail: Vec<u8>,
    ) -> Result<(), Refused> {
        let path = self.path(id, send_at);
        let written = tokio::task::spawn_blocking(move || place(&path, &mail)).await;
        written.map_err(io::Error::other).and_then(|written| written).map_err(|error| {
            refused(format!("the file cannot be written: {}", error.kind()), Setback::Later)
        })
    }

    /// Deletes the mails of an erased user; those that are not there are no error.
    pub async fn forget(&self, mails: &[(uuid::Uuid, DateTime<Utc>)]) -> io::Result<()> {
        for (id, send_at) in mails {
            let path = self.path(NotificationId::from(*id), *send_at);
            match tokio::fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self, id: NotificationId, send_at: DateTime<Utc>) -> PathBuf {
        self.0.join(send_at.format("%Y-%m-%d").to_string()).join(format!("{id}.eml"))
    }
}

fn place(path: &Path, mail: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension("tmp");
    let mut file = fs::File::create(&unfinished)?;
    file.write_all(mail)?;
    // Once it is recorded as sent, a power cut must not take it away.
    file.sync_all()?;
    fs::rename(&unfinished, path)
}
