//! Payload types: what they read, refuse and write, and with which words. In one binary, since each takes seconds to link.

mod arbitrary;
mod checked;
mod ecma;
mod exact;
mod formats;
mod object;
mod pattern;
mod refusal;
mod regex;
mod rules;
mod sql;
mod times;
mod tolerant;
mod union;
mod values;
mod violations;
