-- Moves ranges on in which there was nothing from window $3 to window $4; passes over those that somebody has, or has moved.
-- Locks their rows of positions. Its commit need not be waited for: a range that is moved back has nothing to do again.
-- $1 group  $2 and $8 the ranges' first and last buckets  $5 to $7 what window $4 is
-- $9 to $12 the log's identity, where it is elsewhere, which must be the group's still
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), free AS (
    SELECT p.place
      FROM quick
     CROSS JOIN unnest($2::smallint[], $8::smallint[]) AS empty (lo, hi)
     CROSS JOIN LATERAL (
            SELECT q.ctid AS place FROM eventwright.positions q
             WHERE q.ctid = eventwright.position_of($1, empty.lo)
               AND q.group_name = $1 AND q.bucket_lo = empty.lo AND q.bucket_hi = empty.hi
               AND q.done = $3 AND q.current IS NULL AND q.stop_at IS NULL
               FOR NO KEY UPDATE SKIP LOCKED) p
     WHERE EXISTS (SELECT FROM eventwright.groups
                    WHERE name = $1 AND detached_at IS NULL
                      AND ($9::bigint IS NULL OR (log_system, log_database, log_timeline, log_started) = ($9, $10::text, $11::integer, $12::bigint)))
)
UPDATE eventwright.positions
   SET done = $4, after_seq = 0, kept_done = $4, done_snapshot = $5::text::pg_snapshot, done_bound = $6, done_fence = $7::text::xid8,
       updates = updates + 1
 WHERE ctid = ANY (ARRAY(SELECT place FROM free)) AND group_name = $1 AND done = $3 AND current IS NULL
