-- Moves ranges on in which there was nothing from window $3 to window $4; passes over those that somebody has, or has moved.
-- Locks their rows of positions. Its commit need not be waited for: a range that is moved back has nothing to do again.
-- $5 to $7 what window $4 is  $9 to $12 the log's identity, where it is elsewhere, which must be the group's still
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), free AS (
    SELECT p.bucket_lo
      FROM eventwright.positions p CROSS JOIN quick
      JOIN unnest($2::smallint[], $8::smallint[]) AS empty (lo, hi) ON p.bucket_lo = empty.lo AND p.bucket_hi = empty.hi
     WHERE p.group_name = $1 AND p.done = $3 AND p.current IS NULL AND p.stop_at IS NULL
       AND EXISTS (SELECT FROM eventwright.groups
                    WHERE name = $1 AND detached_at IS NULL
                      AND ($9::bigint IS NULL OR (log_system, log_database, log_timeline, log_started) = ($9, $10::text, $11::integer, $12::bigint)))
       FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE eventwright.positions p
   SET done = $4, after_seq = 0, kept_done = $4, done_snapshot = $5::text::pg_snapshot, done_bound = $6, done_fence = $7::text::xid8
  FROM free
 WHERE p.group_name = $1 AND p.bucket_lo = free.bucket_lo AND p.done = $3 AND p.current IS NULL
