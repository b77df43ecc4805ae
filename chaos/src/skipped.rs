//! Whether the group beside the log has passed over an event, as soon as that can be seen: then there are still the windows that it read
//! between.

use sqlx::PgConnection;

use crate::Result;
use crate::contract::now;
use crate::world::GROUPS;

/// How far back is looked, in milliseconds: more than it takes to recover from a fault.
const LATELY: i64 = 180_000;

/// Booked lately and not handled, though a later event of the account was.
const SKIPPED: &str = "WITH handled AS MATERIALIZED (SELECT event_id, account, n FROM effects WHERE grp = $1),
          newest AS (SELECT account, max(n) AS n FROM handled GROUP BY account)
     SELECT o.seq, o.xid::text, format('%s %s, booked at %s, seq %s, xid %s, bucket %s', b.account, b.n, b.booked_at, o.seq, o.xid, o.bucket)
       FROM bookings b
       JOIN newest USING (account)
       LEFT JOIN eventwright.outbox o USING (event_id)
      WHERE b.booked_at > $2 AND b.n < newest.n
        AND NOT EXISTS (SELECT FROM handled h WHERE h.event_id = 'evt_' || b.event_id)";
/// What was handled of its range and near it, when; where the range stands; and the windows around it.
const AROUND: &str = "SELECT format('seq %s, xid %s, handled at %s', o.seq, o.xid, e.handled_at)
       FROM eventwright.outbox o LEFT JOIN effects e ON e.grp = $1 AND e.event_id = 'evt_' || o.event_id
      WHERE o.seq BETWEEN $2 - 100 AND $2 + 100 AND o.bucket / 256 = (SELECT bucket / 256 FROM eventwright.outbox WHERE seq = $2)
      UNION ALL
     SELECT p::text FROM eventwright.positions p WHERE p.group_name = $1
      UNION ALL
     SELECT w::text FROM eventwright.windows w
      WHERE w.bound BETWEEN $2 - 300 AND $2 + 300 OR pg_snapshot_xmax(w.snapshot) <= $3::xid8 AND w.fence > $3::xid8
         OR EXISTS (SELECT FROM pg_snapshot_xip(w.snapshot) x WHERE x = $3::xid8)";

/// Tells of events that were passed over, with what may say why; returns whether there are any.
pub(crate) async fn tell_skipped(log: &mut PgConnection) -> Result<bool> {
    let skipped: Vec<(Option<i64>, Option<String>, String)> =
        sqlx::query_as(SKIPPED).bind(GROUPS[0]).bind(now() - LATELY).fetch_all(&mut *log).await?;
    for (seq, xid, event) in &skipped {
        println!("passed over: {event}");
        let (Some(seq), Some(xid)) = (seq, xid) else { continue };
        let around: Vec<String> =
            sqlx::query_scalar(AROUND).bind(GROUPS[0]).bind(seq).bind(xid).fetch_all(&mut *log).await?;
        around.iter().for_each(|line| println!("  {line}"));
    }
    Ok(!skipped.is_empty())
}
