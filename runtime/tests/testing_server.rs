//! A throw-away Postgres starts, answers, and leaves nothing behind, however the process that wanted it ends.

#![cfg(feature = "testing")]

mod postgres_client;

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    panic,
    path::{Path, PathBuf},
    process::{self, Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use eventwright::testing::{Error, Server, Settings};
use postgres_client::ask;

/// Far more than stopping a server takes.
const CLEANED_UP_WITHIN: Duration = Duration::from_secs(30);

fn own_server() -> Server {
    quick().start().unwrap()
}

fn quick() -> Settings {
    Settings::new().durable(false).ignore_database_url()
}

#[test]
fn answers_until_it_is_dropped() {
    let server = own_server();
    assert_eq!(ask(server.url(), "select 6 * 7").unwrap(), "42");

    let url = server.url().to_owned();
    let directory = server.directory().unwrap().to_owned();
    assert!(directory.exists());
    drop(server);
    assert!(!directory.exists(), "{} is still there", directory.display());
    assert!(ask(&url, "select 1").is_err(), "{url} still answers");
}

#[test]
fn is_durable_unless_told_otherwise() {
    let durable = Settings::new().ignore_database_url().start().unwrap();
    assert_eq!(ask(durable.url(), "show fsync").unwrap(), "on");
    let quick = own_server();
    assert_eq!(ask(quick.url(), "show fsync").unwrap(), "off");
}

#[test]
fn settings_reach_the_server_as_they_are() {
    let value = r"it's 100% \ $PATH";
    let server = quick().set("cluster_name", "replaced").set("cluster_name", value).start().unwrap();
    assert_eq!(ask(server.url(), "show cluster_name").unwrap(), value);
}

#[test]
fn other_users_may_not_enter_its_directory() {
    let server = own_server();
    assert_eq!(fs::metadata(server.directory().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(ask(server.url(), "show listen_addresses").unwrap(), "");
}

#[test]
fn several_run_side_by_side() {
    let servers: Vec<_> = (0..3).map(|_| thread::spawn(own_server)).collect();
    let servers: Vec<_> = servers.into_iter().map(|server| server.join().unwrap()).collect();
    for server in &servers {
        assert_eq!(ask(server.url(), "select 1").unwrap(), "1");
    }
}

#[test]
fn a_panic_leaves_nothing() {
    let directory = panic::catch_unwind(|| {
        let server = own_server();
        panic::panic_any(server.directory().unwrap().to_owned());
    })
    .unwrap_err();
    let directory = directory.downcast::<PathBuf>().unwrap();
    assert!(!directory.exists(), "{} is still there", directory.display());
}

#[test]
fn a_killed_process_leaves_nothing() {
    let (mut process, started) = Process::start(&[]);
    let (url, directory) = started.strip_prefix("started ").unwrap().split_once(' ').unwrap();
    assert_eq!(ask(url, "select 1").unwrap(), "1");
    assert!(Path::new(directory).starts_with(&process.temporary));

    process.kill();
    process.assert_nothing_left();
    assert!(ask(url, "select 1").is_err(), "{url} still answers");
}

#[test]
fn a_process_killed_while_its_server_starts_leaves_nothing() {
    for milliseconds in [5, 50, 200, 600, 1000] {
        let mut process = Process::spawn(&[]);
        // not until something has happened, but into the middle of whatever it is at
        thread::sleep(Duration::from_millis(milliseconds));
        process.kill();
        process.assert_nothing_left();
    }
}

#[test]
fn a_setting_that_postgres_refuses_is_named() {
    let error = quick().set("no_such_setting", "1").start().unwrap_err();
    assert!(matches!(error, Error::Start { .. }));
    assert_eq!(format!("{error:?}"), error.to_string(), "tests unwrap it");
    assert!(error.to_string().contains(r#"unrecognized configuration parameter "no_such_setting""#), "{error}");
}

#[test]
fn a_database_url_that_nothing_answers_is_named_without_its_password() {
    let error = Process::error(&[("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/mine")]);
    assert!(error.contains("DATABASE_URL names a server at 127.0.0.1:1 that does not answer"), "{error}");
    assert!(error.contains("unset it to get a throw-away server"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_database_url_of_another_database_is_refused() {
    let error = Process::error(&[("DATABASE_URL", "mysql://me:secret@127.0.0.1/mine")]);
    assert!(error.contains("does not begin with postgres://"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_database_url_is_used_as_it_is() {
    let server = own_server();
    let url = format!("{}?application_name=mine", server.url());
    let (mut process, started) = Process::start(&[("DATABASE_URL", &url)]);
    assert_eq!(started, format!("started {url} -"));
    process.kill();
    process.assert_nothing_left();
    assert_eq!(ask(server.url(), "select 1").unwrap(), "1");
}

#[test]
fn without_binaries_the_error_says_what_to_install() {
    let error = Process::error(&[("EVENTWRIGHT_POSTGRES", "/nowhere")]);
    assert!(error.contains("EVENTWRIGHT_POSTGRES: /nowhere: has no initdb"), "{error}");
    assert!(error.contains("apt-get install postgresql"), "{error}");
}

#[test]
fn a_download_with_another_checksum_is_refused() {
    let directory = env::temp_dir().join(format!("eventwright-test-clients-{}", process::id()));
    fs::create_dir(&directory).unwrap();
    for (client, script) in [
        (
            "npm",
            "#!/bin/sh\n[ $1 = pack ] || exit 0; for last; do :; done; name=${last#@}; echo x >$(echo ${name%@*} | tr / -)-${name##*@}.tgz\n",
        ),
        ("python3", "#!/bin/sh\nexit 1\n"),
    ] {
        fs::write(directory.join(client), script).unwrap();
        fs::set_permissions(directory.join(client), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let cache = directory.join("cache");
    let error = Process::error(&[
        ("EVENTWRIGHT_POSTGRES", "fetch"),
        ("PATH", &format!("{}:/usr/bin:/bin", directory.display())),
        ("XDG_CACHE_HOME", cache.to_str().unwrap()),
    ]);
    assert!(
        error.contains(
            ".tgz: its SHA-256 is 73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac, expected "
        ),
        "{error}"
    );
    assert!(error.contains("python3: exit status: 1"), "{error}");
    let kept: Vec<_> =
        fs::read_dir(cache.join("eventwright")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept, ["lock"]);
    fs::remove_dir_all(directory).unwrap();
}

/// What the tests above run as a process of its own: starts a server, says so on standard output, and waits to be killed.
#[test]
#[ignore = "a part of other tests"]
fn start() {
    // the harness has begun this line with the test's name
    println!();
    match Settings::new().durable(false).start() {
        Ok(server) => {
            let directory = server.directory().unwrap_or(Path::new("-")).display();
            println!("started {} {directory}", server.url());
            thread::sleep(Duration::from_secs(600));
        }
        Err(error) => println!("error {}", error.to_string().replace('\n', " ")),
    }
}

/// A process of this test program, with a directory for its temporary files and a mark in the environment of all that it starts.
struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
    temporary: PathBuf,
    mark: String,
}

impl Process {
    /// The process and what it reports.
    fn start(variables: &[(&str, &str)]) -> (Self, String) {
        let mut process = Self::spawn(variables);
        let mut lines = process.output.by_ref().lines().map(Result::unwrap);
        let report = lines.find(|line| line.starts_with("started ") || line.starts_with("error "));
        let report = report.expect("a report");
        (process, report)
    }

    fn error(variables: &[(&str, &str)]) -> String {
        let (mut process, report) = Self::start(variables);
        process.kill();
        process.assert_nothing_left();
        report.strip_prefix("error ").expect("an error").to_owned()
    }

    fn spawn(variables: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("eventwright-test-{}-{count}", process::id());
        let temporary = env::temp_dir().join(&mark);
        fs::create_dir(&temporary).unwrap();
        // as /tmp: whoever runs Postgres here may write
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777)).unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "start"])
            .env_remove("DATABASE_URL")
            .env("TMPDIR", &temporary)
            .env("EVENTWRIGHT_TEST_MARK", &mark)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output, temporary, mark }
    }

    /// By SIGKILL to its whole process group, as an impatient harness or terminal does.
    fn kill(&mut self) {
        let kill = format!("kill -s KILL -- -{}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    fn assert_nothing_left(&self) {
        let deadline = Instant::now() + CLEANED_UP_WITHIN;
        loop {
            let left = self.left();
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "left: {left:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Files, and (where there is a /proc) processes.
    fn left(&self) -> Vec<PathBuf> {
        let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let marked = |process: &PathBuf| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            environment.windows(self.mark.len()).any(|window| window == self.mark.as_bytes())
        };
        entries(&self.temporary).chain(entries(Path::new("/proc")).filter(marked)).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir(&self.temporary);
    }
}
