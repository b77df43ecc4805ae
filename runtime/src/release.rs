use sqlx::PgConnection;

use crate::Schema;

/// Begins a transaction that calls [`release`]: each of its statements has to see what others committed before it, whatever
/// the database's default isolation is.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Lets the first held event of each of these subjects run, where it waited behind another. For the end of a transaction that
/// held events back or let them go; the function's own comment says what it locks.
pub(crate) const RELEASE: &str = "SELECT eventwright.release($1, $2)";

/// As [`RELEASE`] says.
pub(crate) async fn release(
    tx: &mut PgConnection,
    schema: &Schema,
    group: &str,
    subjects: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query(schema.sql(RELEASE)).bind(group).bind(subjects).execute(tx).await?;
    Ok(())
}
