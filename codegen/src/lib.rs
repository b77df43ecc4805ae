//! Event contracts in, typed Rust bindings out.
//!
//! A *registry* names event types, who owns them and who subscribes; JSON Schemas (draft 2020-12, 7 or 4) beside it describe their
//! payloads.
//! This crate turns them into plain structs and enums that use the crate `eventwright`. It runs in a build script:
//!
//! ```no_run
//! // build.rs; in the crate: eventwright::include_events!();
//! fn main() -> eventwright_codegen::Result<()> {
//!     eventwright_codegen::configure()
//!         .registry("../contracts/event-types-registry.json")
//!         .domain("sales")
//!         .compile()
//! }
//! ```
//!
//! or writes a tree of files to check in:
//!
//! ```no_run
//! let report = eventwright_codegen::configure()
//!     .registry("contracts/event-types-registry.json")
//!     .out_dir("generated")
//!     .write()?;
//! println!("{} files written", report.written.len());
//! # Ok::<(), eventwright_codegen::Error>(())
//! ```
//!
//! A folder of payload schemas will do, too, where nobody needs to know who owns what ([`Config::schemas`]), and the tree can be a whole
//! package ([`Config::crate_name`]):
//!
//! ```no_run
//! eventwright_codegen::configure().schemas("schemas").out_dir("my-events").crate_name("my-events").write()?;
//! # Ok::<(), eventwright_codegen::Error>(())
//! ```
//!
//! What is wrong with the contracts comes back all at once in [`Error::Contracts`], each complaint with file, line, column and
//! JSON pointer; then nothing is written.
//!
//! # Layout of contracts
//!
//! ```text
//! contracts/
//!   event-types-registry.json                     the registry; see `registry::Registry` for its keys
//!   <contract>/schema/payloads/<name>.json        payload schemas; each is named by the registry
//!   <contract>/schema/…                           more schemas, for `$ref`
//! ```
//!
//! # What is guaranteed
//!
//! * A keyword is enforced by the generated types, is an annotation, or is refused with its position: none is dropped. What enforces it
//!   is told by [`Config::explain`]. Annotations are those of JSON Schema (validation section 9; content), `x-sensitive`, `x-rust-name`
//!   and `x-rust-type`; any other unknown keyword is an error.
//! * The output follows from the contracts, the settings and this crate's version alone: no order of files, no clock, no machine.
//! * A new event type leaves the files of the others byte-identical.
//!
//! # Features
//!
//! * `examples`: holds `examples` and `default` against the schemas that they stand in. Off by default, since it takes the crate
//!   `jsonschema`, which a build script need not wait for; the program `eventwright` has it.
//! * `registry-schema`: the registry's own JSON Schema.
//!
//! # `contracts.lock`
//!
//! [`Config::write`] puts a file `contracts.lock` into the tree. A build script can hold the tree against it without this crate:
//!
//! * Lines that begin with `#` are comments. Every other line is 16 lower-case hexadecimal digits, one space, and a path with `/` as
//!   its separator, relative to the *parent* of the folder that holds the lock. Lines end in `\n` and are sorted by path.
//! * The digits are the 64-bit FNV-1a digest of the file's bytes: begin with `0xcbf29ce484222325`; for each byte, XOR it in, then
//!   multiply by `0x100000001b3`, modulo 2^64.
//! * Listed are all contract files that were read and all generated files; the lock itself is not. The tree is in line where every
//!   listed file is there with its digest. A *new* contract file is in no line: look for `*.json` below the `schema` folders too.
//! * The second line is a comment where a run had nothing to warn of: `#`, a digest of this crate's version, the settings and all
//!   lines below it, and the version in words. By it, [`Config::write`] sees that a run would change nothing, and generates
//!   nothing.
//!
//! # How it works
//!
//! Data flows one way, each stage in a module of its own: `load` reads JSON with positions, `link` resolves names, `lint` applies
//! house rules, `lower` makes a model of plain data, `emit` makes tokens, `write` formats and stores them.

#![forbid(unsafe_code)]

mod config;
mod diagnostics;
mod emit;
mod error;
mod link;
mod lint;
mod load;
mod lower;
mod model;
mod names;
mod node;
mod parallel;
pub mod registry;
mod settings;
mod uri;
mod vocabulary;
mod write;

pub use config::{Config, configure};
pub use diagnostics::{Diagnostic, Place, Severity};
pub use error::{Error, Result};
pub use model::{Class, Explained};
#[cfg(feature = "registry-schema")]
pub use registry::registry_schema;
pub use settings::{Dates, Formats, Integers};
pub use vocabulary::Dialect;
pub use write::{Checked, Drift, Report};
