use std::borrow::Cow;

use sqlx::AssertSqlSafe;

use crate::Error;

/// The Postgres schema that holds the log and the groups: `eventwright`, unless a system needs several side by side.
///
/// ```
/// use eventwright::Schema;
///
/// assert_eq!(Schema::default().name(), "eventwright");
/// assert!(Schema::new("billing_events").is_ok());
/// assert!(Schema::new("Billing; DROP TABLE leads").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema(Cow<'static, str>);

const DEFAULT: &str = "eventwright";

impl Default for Schema {
    fn default() -> Self {
        Self(Cow::Borrowed(DEFAULT))
    }
}

impl Schema {
    /// A schema by name: lower-case letters, digits and underscores, not beginning with a digit, at most 63 bytes, so that it
    /// needs no quotes anywhere (Postgres: Identifiers and Key Words).
    ///
    /// # Errors
    /// [`Error::SchemaName`] where the name is anything else.
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        let well_formed =
            name.len() <= 63 && name.bytes().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || !well_formed {
            return Err(Error::SchemaName { name });
        }
        Ok(Self(Cow::Owned(name)))
    }

    /// The schema's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// One of our statements, which all name the default schema, for this schema. Safe: the name is checked above.
    pub(crate) fn sql(&self, statement: &'static str) -> AssertSqlSafe<Cow<'static, str>> {
        if self.0 == DEFAULT {
            return AssertSqlSafe(Cow::Borrowed(statement));
        }
        let own = statement
            .replace("eventwright.", &format!("{}.", self.0))
            .replace("'eventwright'", &format!("'{}'", self.0));
        AssertSqlSafe(Cow::Owned(own))
    }
}
