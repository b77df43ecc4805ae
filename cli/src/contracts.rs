//! The options of the commands that read contracts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use eventwright_codegen::{Config, Dates, Dialect, Formats, Integers};

#[derive(Args)]
pub(crate) struct Contracts {
    #[command(flatten)]
    from: From,

    /// Only what this domain owns or subscribes to; may be given several times
    #[arg(long = "domain", value_name = "DOMAIN", conflicts_with = "schemas")]
    domains: Vec<String>,

    /// Files of DIR are what URIs that begin with URI name; may be given several times. Nothing is ever fetched
    #[arg(long, value_name = "URI=DIR", value_parser = mapping)]
    resolve: Vec<(String, PathBuf)>,

    /// The dialect of schemas without `$schema`
    #[arg(long, value_enum, default_value_t = DialectName::Draft202012)]
    dialect: DialectName,

    /// Whether a string must have its `format`
    #[arg(long, value_enum, default_value_t = FormatsName::Assert)]
    formats: FormatsName,

    /// Use all ids and shared types of another crate of bindings, such as `::sguild_events`
    #[arg(long, value_name = "PATH")]
    extern_types: Option<String>,

    /// Derive something more on a generated type; may be given several times
    #[arg(long, value_name = "TYPE=PATH", value_parser = derive)]
    derive: Vec<(String, String)>,

    /// Integers without bounds: of 64 bits, or any; by default of 64 bits with --registry, any with --schemas
    #[arg(long, value_enum)]
    integers: Option<IntegersName>,

    /// The crate whose types dates and times are
    #[arg(long, value_enum, default_value_t = DatesName::Time)]
    dates: DatesName,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct From {
    /// The event-types registry; its contracts are the folders beside it
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,

    /// A folder of payload schemas: NAME-vN.json is version N of the event type NAME, and NAME.json version 1; files in folders
    /// below are there for `$ref`
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum DialectName {
    #[value(name = "2020-12", alias = "draft2020-12")]
    Draft202012,
    #[value(name = "draft7", alias = "draft-07")]
    Draft7,
    #[value(name = "draft4", alias = "draft-04")]
    Draft4,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatsName {
    Assert,
    Annotate,
}

#[derive(Clone, Copy, ValueEnum)]
enum IntegersName {
    #[value(name = "64")]
    Bits64,
    Exact,
}

#[derive(Clone, Copy, ValueEnum)]
enum DatesName {
    Time,
    Chrono,
    Jiff,
}

fn derive(text: &str) -> Result<(String, String), String> {
    let (name, path) = text.split_once('=').ok_or("expected TYPE=PATH, such as Person=serde::Serialize")?;
    Ok((name.to_owned(), path.to_owned()))
}

fn mapping(text: &str) -> Result<(String, PathBuf), String> {
    // a URI may have an equals sign in its query, a path seldom has
    let (uri, folder) =
        text.rsplit_once('=').ok_or("expected URI=DIR, such as https://example.org/schemas/=schemas")?;
    Ok((uri.to_owned(), folder.into()))
}

impl Contracts {
    pub(crate) fn configure(self) -> Config {
        let mut config = eventwright_codegen::configure();
        if let Some(registry) = self.from.registry {
            config = config.registry(registry);
        }
        if let Some(schemas) = self.from.schemas {
            config = config.schemas(schemas);
        }
        if let Some(integers) = self.integers {
            config = config.integers(match integers {
                IntegersName::Bits64 => Integers::Bits64,
                IntegersName::Exact => Integers::Exact,
            });
        }
        config = config.dialect(match self.dialect {
            DialectName::Draft202012 => Dialect::Draft202012,
            DialectName::Draft7 => Dialect::Draft7,
            DialectName::Draft4 => Dialect::Draft4,
        });
        config = config.formats(match self.formats {
            FormatsName::Assert => Formats::Assert,
            FormatsName::Annotate => Formats::Annotate,
        });
        config = config.dates(match self.dates {
            DatesName::Time => Dates::Time,
            DatesName::Chrono => Dates::Chrono,
            DatesName::Jiff => Dates::Jiff,
        });
        if let Some(path) = self.extern_types {
            config = config.extern_types(path);
        }
        config = self.derive.into_iter().fold(config, |config, (name, path)| config.derive(name, path));
        config = self.resolve.into_iter().fold(config, |config, (uri, folder)| config.resolve(uri, folder));
        self.domains.into_iter().fold(config, Config::domain)
    }
}
