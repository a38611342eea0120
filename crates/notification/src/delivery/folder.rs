//! The embedded e-mail channel: .eml files that any mail program opens.

use super::refused;
use crate::app::{NotificationId, Refused};
use crate::domain::retry::Setback;
use chrono::{DateTime, Utc};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncWriteExt;

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
        mail: &[u8],
    ) -> Result<(), Refused> {
        self.place(id, send_at, mail).await.map_err(|error| {
            refused(format!("the file cannot be written: {}", error.kind()), Setback::Later)
        })
    }

    async fn place(
        &self,
        id: NotificationId,
        send_at: DateTime<Utc>,
        mail: &[u8],
    ) -> io::Result<()> {
        let path = self.path(id, send_at);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).await?;
        }
        let unfinished = path.with_extension("tmp");
        let mut file = fs::File::create(&unfinished).await?;
        file.write_all(mail).await?;
        // Once it is recorded as sent, a power cut must not take it away.
        file.sync_all().await?;
        fs::rename(&unfinished, &path).await
    }

    /// Deletes the mails of an erased user; those that are not there are no error.
    pub async fn forget(&self, mails: &[(uuid::Uuid, DateTime<Utc>)]) -> io::Result<()> {
        for (id, send_at) in mails {
            let path = self.path(NotificationId::from(*id), *send_at);
            match fs::remove_file(path).await {
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
