-- Claims a range for this transaction; passes over a range that another worker has. No join: the row that is locked may be newer
-- than the statement's snapshot, and what would be joined to it would not be. So positions say themselves what their windows are.
-- Locks one row of positions. NO KEY UPDATE, so that `begun`, which refers to it, can be written by another connection.
SELECT bucket_hi, after_seq, done, current, stop_at,
       kept_done, done_snapshot::text, done_bound, done_fence::text,
       kept_current, current_snapshot::text, current_bound, current_fence::text
  FROM eventwright.positions
 WHERE group_name = $1 AND bucket_lo = $2
   FOR NO KEY UPDATE SKIP LOCKED
