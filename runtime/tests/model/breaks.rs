//! The log's functions, with halts between their statements, and broken in the ways that were found to lose events.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::common::Result;

/// The key of the advisory locks at which opening a window halts; a point's own number is the second key.
pub(crate) const HALT: i32 = 0x4841_4c54;

const OPEN_WINDOW: &str = "open_window(boolean)";
const RUNNING: &str = "running(pg_snapshot, xid8)";
const SNAPSHOT: &str = "opened.snapshot := pg_current_snapshot();";
const BOUND: &str = "opened.bound := eventwright.last_seq();";
const FENCE: &str = "opened.fence := pg_current_xact_id();";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Windows that are nothing but a sequence number: what is read is what is there by then.
    SequenceAlone,
    /// Nobody looks for those who were still running.
    NoStragglers,
    /// Those who were running are taken from the snapshot's list alone.
    ListAlone,
    FenceBeforeSnapshot,
    FenceBeforeBound,
    /// A window is opened in a transaction that publishes.
    AmongOthers,
    /// Each session takes twenty sequence numbers at once.
    CachedSequence,
}

impl Break {
    pub(crate) const ALL: [Self; 7] = [
        Self::SequenceAlone,
        Self::NoStragglers,
        Self::ListAlone,
        Self::FenceBeforeSnapshot,
        Self::FenceBeforeBound,
        Self::AmongOthers,
        Self::CachedSequence,
    ];

    pub(crate) async fn apply(self, db: &mut PgConnection) -> Result {
        match self {
            Self::SequenceAlone => {
                let all = "opened.snapshot := '9000000000000000000:9000000000000000000:';";
                edit(db, OPEN_WINDOW, &[(SNAPSHOT, all)]).await
            }
            Self::NoStragglers => {
                let none = "FROM pg_snapshot_xip(snapshot) x WHERE false";
                edit(db, RUNNING, &[("FROM pg_snapshot_xip(snapshot) x", none), XIP_ALONE]).await
            }
            Self::ListAlone => edit(db, RUNNING, &[XIP_ALONE]).await,
            Self::FenceBeforeSnapshot => {
                let turned = format!("{FENCE}\n{}\n{SNAPSHOT}", halt(2));
                edit(db, OPEN_WINDOW, &[(FENCE, ""), (SNAPSHOT, &turned)]).await
            }
            Self::FenceBeforeBound => {
                let turned = format!("{FENCE}\n{}\n{BOUND}", halt(2));
                edit(db, OPEN_WINDOW, &[(FENCE, ""), (BOUND, &turned)]).await
            }
            Self::AmongOthers => {
                let unasked = ("IF pg_current_xact_id_if_assigned() IS NOT NULL THEN", "IF false THEN");
                edit(db, OPEN_WINDOW, &[unasked]).await
            }
            Self::CachedSequence => {
                sqlx::raw_sql("ALTER SEQUENCE eventwright.outbox_seq CACHE 20").execute(db).await?;
                Ok(())
            }
        }
    }
}

const XIP_ALONE: (&str, &str) = ("fence::text::bigint - 1", "0");

/// Puts halts between the statements of opening a window, which change nothing else: before the snapshot, before the bound and
/// before the fence.
pub(crate) async fn add_halts(db: &mut PgConnection) -> Result {
    let halted = |point, statement: &str| format!("{}\n{statement}", halt(point));
    let edits = [(SNAPSHOT, halted(0, SNAPSHOT)), (BOUND, halted(1, BOUND)), (FENCE, halted(2, FENCE))];
    let edits: Vec<(&str, &str)> = edits.iter().map(|(from, to)| (*from, to.as_str())).collect();
    edit(db, OPEN_WINDOW, &edits).await
}

/// Waits where the driver of the program holds the lock. It takes no xid and no snapshot that is kept.
fn halt(point: u8) -> String {
    format!("PERFORM pg_advisory_xact_lock_shared({HALT}, {point});")
}

/// Replaces parts of a function's text, each of which must be there once.
async fn edit(db: &mut PgConnection, function: &str, edits: &[(&str, &str)]) -> Result {
    let mut text: String = sqlx::query_scalar("SELECT pg_get_functiondef($1::text::regprocedure)")
        .bind(format!("eventwright.{function}"))
        .fetch_one(&mut *db)
        .await?;
    for (from, to) in edits {
        assert_eq!(text.matches(from).count(), 1, "{function} has changed; these tests break it at `{from}`:\n{text}");
        text = text.replace(from, to);
    }
    sqlx::raw_sql(AssertSqlSafe(text)).execute(db).await?;
    Ok(())
}
