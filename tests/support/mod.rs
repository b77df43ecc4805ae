//! Copies of this repository's folders, to change and to see what comes of it.

use std::path::Path;
use std::{fs, io};

/// Where this repository is.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Copies a folder of this repository and all that is in it to the same place below `to`, which may have an older copy.
pub(crate) fn copy(folder: &str, to: &Path) -> io::Result<()> {
    let copy = to.join(folder);
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_all(&Path::new(ROOT).join(folder), &copy)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_all(&path, &copy)?;
        } else {
            fs::copy(&path, &copy)?;
        }
    }
    Ok(())
}
