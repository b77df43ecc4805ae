//! The disk.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::parallel::on_all_cores;
use crate::{Error, Result};

/// The file's bytes; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path)(error)),
    }
}

/// Writes the file where its content is another; whether it did.
pub(crate) fn write_one(path: &Path, text: &str) -> Result<bool> {
    if read(path)?.is_some_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    write_atomically(path, text)?;
    Ok(true)
}

/// Writes beside the file and renames, so that nobody ever reads half of it.
pub(super) fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // the process id: two builds may generate into one folder at once
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // what is left is of no use to anybody; the first error is the one to tell
        let _ = fs::remove_file(&temporary);
        Error::io(path)(error)
    })
}

/// Writes the files on several threads: file systems mostly wait, and a tree may have thousands.
pub(super) fn write_all(files: &[(PathBuf, &str)]) -> Result<()> {
    on_all_cores(files, |(path, text)| write_atomically(path, text)).map(|_| ())
}

pub(super) fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(Error::io(path))
}

/// The Rust files in the folder that begin with the mark, in the order of names. Only those that `is_wanted` are read.
pub(super) fn generated_files(folder: &Path, mark: &str, is_wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io(folder))?.path();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs") && is_wanted(&path) && path.is_file();
        if is_rust && read(&path)?.is_some_and(|bytes| bytes.starts_with(mark.as_bytes())) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
