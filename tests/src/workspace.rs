//! Where things are in the source tree.

use std::path::{Path, PathBuf};

/// The root of the workspace.
///
/// # Panics
/// Never: this package lies one level below it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package has a parent folder")
}

/// All files below a folder of the workspace with one of the extensions, in order.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    below(&root().join(folder), extensions)
}

/// All files below a folder with one of the extensions, in order.
pub fn below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, extensions, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, extensions, found);
        } else if path.extension().is_some_and(|ext| extensions.iter().any(|known| ext == *known)) {
            found.push(path);
        }
    }
}
