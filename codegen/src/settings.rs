//! What one may choose, and the stages heed.

/// What `format` means (JSON Schema validation, section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Formats {
    /// A string must have the format; of formats that are not known here nothing is asked.
    #[default]
    Assert,
    /// Any string will do.
    Annotate,
}

/// The types of integers that have no bounds, or only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Integers {
    /// `i64`, or an `Int` within bounds: integers beyond 64 bits are refused when they are read. The default with a registry.
    #[default]
    Bits64,
    /// `Integer`, which holds any integer. The default for a folder of schemas.
    Exact,
}

/// The crate whose types the formats `date-time` and `date` become. What is read, refused and written is the same with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dates {
    /// `OffsetDateTime` and `Date` of the crate time.
    #[default]
    Time,
    /// `DateTime<FixedOffset>` and `NaiveDate` of the crate chrono, under the feature `chrono` of `eventwright`.
    Chrono,
    /// `eventwright::JiffDateTime`, a time with its offset, and `civil::Date` of the crate jiff, under the feature `jiff` of
    /// `eventwright`.
    Jiff,
}
