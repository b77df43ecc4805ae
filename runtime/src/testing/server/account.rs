//! The user that Postgres runs as: `initdb` and `postgres` refuse root.

use std::{fs, os::unix::process::CommandExt, path::Path, process::Command};

/// User and group of "nobody" on most Linux systems.
const NOBODY: u32 = 65534;

/// This process's own user, or the one that root hands Postgres to.
#[derive(Debug)]
pub(super) struct Account {
    other: Option<Ids>,
}

#[derive(Debug, Clone, Copy)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// The user that may run Postgres here.
    pub(super) fn for_postgres() -> Self {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self { other: is_root().then(|| unprivileged(&passwd)) }
    }

    /// Whether it is another user than this process's.
    pub(super) fn is_other(&self) -> bool {
        self.other.is_some()
    }

    /// A command run as that user, with untranslated messages, in a directory that everybody may enter.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C");
        if let Some(Ids { user, group }) = self.other {
            // std also drops root's supplementary groups
            command.uid(user).gid(group);
        }
        command
    }

    /// Whether that user may read below this directory.
    pub(super) fn may_enter(&self, directory: &Path) -> bool {
        self.command("sh")
            .args(["-c", r#"cd "$1""#, "sh"])
            .arg(directory)
            .output()
            .is_ok_and(|output| output.status.success())
    }
}

/// std has no `geteuid`.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// `initdb` looks its user up by id, so one that the system knows goes before a bare number.
fn unprivileged(passwd: &str) -> Ids {
    let users: Vec<(&str, Ids)> = passwd.lines().filter_map(user).collect();
    let by = |wanted: &dyn Fn(&str, Ids) -> bool| {
        let mut users = users.iter();
        users.find(|(name, ids)| wanted(name, *ids)).map(|(_, ids)| *ids)
    };
    by(&|name, ids| name == "postgres" && ids.user != 0)
        .or_else(|| by(&|_, ids| ids.user == NOBODY))
        .or_else(|| by(&|name, ids| name == "nobody" && ids.user != 0))
        .unwrap_or(Ids { user: NOBODY, group: NOBODY })
}

/// `name:password:user:group:...`; macOS writes nobody's ids as -2.
fn user(line: &str) -> Option<(&str, Ids)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    let mut ids = fields.skip(1).map(|id| id.parse::<i64>().ok().map(|id| id as u32));
    let (user, group) = (ids.next()??, ids.next()??);
    Some((name, Ids { user, group }))
}
