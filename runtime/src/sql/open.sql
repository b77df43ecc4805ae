-- Opens a window at the log's end, or finds the last one where nothing was published since. Alone in its transaction.
-- `settled`: whether all transactions up to the xid $1 were over before, so that the window sees what they published: the
-- statement's own snapshot is older than the one that the function takes.
-- $2 durable  $3 to $7 as $11 to $15 of read.sql: checked before anything is opened
SELECT id, snapshot::text, bound, fence::text,
       coalesce(pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8, false) AS settled,
       eventwright.next_due() AS scheduled_in,
       (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint AS started
  FROM eventwright.open_window($2)
 WHERE $3::bigint IS NULL OR eventwright.assert_identity($3, $4, $5, $6, $7)
