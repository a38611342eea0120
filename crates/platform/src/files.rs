//! Files that others replace while we run: certificates, keys, tokens.
//!
//! They are looked at when they are used, once a second at most, so there is nothing to watch and
//! nothing to miss. What cannot be used (half written, or a key without its certificate) is told
//! once in the log, and the last good content stays.

use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::auth::meters;
use crate::error::{Code, Error, Result};

/// How often a file is looked at, at most.
const PAUSE: Duration = Duration::from_secs(1);
/// Largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

type Build<T> = dyn Fn(&[Vec<u8>]) -> Result<T> + Send + Sync;

/// What is made of the content of some files, made again when they change.
pub(crate) struct Reloaded<T> {
    files: Vec<PathBuf>,
    build: Box<Build<T>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    current: Arc<T>,
    seen: Vec<Vec<u8>>,
    looked: Instant,
}

impl<T> Reloaded<T> {
    /// Reads the files for the first time; `build` is given their contents in the same order.
    /// Errors: INVALID_ARGUMENT / FILE_UNREADABLE, and those of `build`.
    pub(crate) fn open(
        files: Vec<PathBuf>,
        build: impl Fn(&[Vec<u8>]) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        let seen = read_all(&files)?;
        let current = Arc::new(build(&seen)?);
        let state = Mutex::new(State { current, seen, looked: Instant::now() });
        Ok(Self { files, build: Box::new(build), state })
    }

    /// The newest that could be made.
    pub(crate) fn current(&self) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= PAUSE {
            state.looked = Instant::now();
            self.look(&mut state);
        }
        Arc::clone(&state.current)
    }

    fn look(&self, state: &mut State<T>) {
        let files = self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        let found = match read_all(&self.files) {
            Ok(found) if found == state.seen => return,
            Ok(found) => found,
            // Being replaced, perhaps: it is looked for again.
            Err(error) => {
                tracing::debug!(%error, "kept what a file held before");
                return;
            }
        };
        let made = (self.build)(&found);
        state.seen = found;
        meters().reload(made.is_ok());
        match made {
            Ok(made) => {
                state.current = Arc::new(made);
                tracing::info!(?files, "read again");
            }
            Err(error) => tracing::warn!(?files, %error, "of no use; the last good ones stay"),
        }
    }
}

impl<T> std::fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloaded").field("files", &self.files).finish_non_exhaustive()
    }
}

/// The content of a file of a sane size. Errors: INVALID_ARGUMENT / FILE_UNREADABLE.
pub(crate) fn read(file: &PathBuf) -> Result<Vec<u8>> {
    let unreadable = |what: String| {
        let message = format!("{} {what}", file.display());
        Error::new(Code::InvalidArgument, "FILE_UNREADABLE", message)
    };
    let mut content = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(LARGEST + 1).read_to_end(&mut content))
        .map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    if content.len() as u64 > LARGEST {
        return Err(unreadable(format!("is larger than {LARGEST} bytes")));
    }
    Ok(content)
}

fn read_all(files: &[PathBuf]) -> Result<Vec<Vec<u8>>> {
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_no_use_does_not_replace_what_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        std::fs::write(&file, "1").unwrap();
        let number = |contents: &[Vec<u8>]| {
            let text = String::from_utf8_lossy(&contents[0]).into_owned();
            text.parse::<u32>().map_err(|_| Error::invalid("number", "is none"))
        };
        let reloaded = Reloaded::open(vec![file.clone()], number).unwrap();
        let look = || {
            // As if a second had passed.
            reloaded.look(&mut reloaded.state.lock().unwrap());
            *reloaded.current()
        };
        std::fs::write(&file, "2").unwrap();
        assert_eq!(look(), 2);
        std::fs::write(&file, "two").unwrap();
        assert_eq!(look(), 2);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(look(), 2);
        std::fs::write(&file, "3").unwrap();
        assert_eq!(look(), 3);
        assert!(Reloaded::open(vec![folder.path().join("none")], number).is_err());
    }
}
