//! Typed JSON payloads: reading, writing and building them; no database.
