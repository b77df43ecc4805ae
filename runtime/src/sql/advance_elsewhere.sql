-- As advance.sql, for a group whose log is in another database: also remembers which events it was given ($12), should the log go back
-- in time, and moves nothing where the group has gone on with another log meanwhile than the one that was read ($13 to $16).
WITH remembered AS (
    INSERT INTO eventwright.handled (group_name, until, event_ids)
    SELECT $1, coalesce($4, $3), $12::uuid[] WHERE $12 <> '{}'::uuid[]
)
UPDATE eventwright.positions
   SET done = $3, current = $4, after_seq = $5,
       kept_done = $3, done_snapshot = $6::text::pg_snapshot, done_bound = $7, done_fence = $8::text::xid8,
       kept_current = $4, current_snapshot = $9::text::pg_snapshot, current_bound = $10, current_fence = $11::text::xid8,
       updates = updates + 1
 WHERE ctid = eventwright.position_of($1, $2) AND group_name = $1 AND bucket_lo = $2
   AND EXISTS (SELECT FROM eventwright.groups
                WHERE name = $1 AND detached_at IS NULL
                  AND (log_system, log_database, log_timeline, log_started) = ($13::bigint, $14::text, $15::integer, $16::bigint))
