//! Schemas and the types generated from them: compiled, and held against an independent validator and the official suite. In one binary,
//! since each takes seconds to link.

mod answers;
mod bounded;
mod compare;
mod dates;
mod differential;
mod foundry;
mod fuzzer;
mod generator;
mod json_features;
mod mutations;
mod random;
mod relaxed;
mod same;
mod suite;
mod typed;
mod vocabulary;
