-- Makes a group and its ranges, unless it is there; in one statement, so who comes second finds both.
-- $1 name  $2 domain  $3, $4, $5 the log's identity, where it is elsewhere  $6, $7 the ranges' first and last buckets
-- $8 window that is done  $9 window that is read to first, if not the newest  $10 seq passed already
-- $11 to $16 what these windows are
-- $17 whether it ends with that window, $18 at which seq, $19 whether its effect handlers run
WITH made AS (
    INSERT INTO eventwright.groups (name, domain, log_system, log_database, log_timeline, until_window, until_seq, effects)
    VALUES ($1, $2, $3, $4, $5, CASE WHEN $17 THEN coalesce($9, $8) END, $18, $19)
    ON CONFLICT DO NOTHING RETURNING name
)
INSERT INTO eventwright.positions
       (group_name, bucket_lo, bucket_hi, done, current, after_seq, stop_at, kept_done, done_snapshot, done_bound, done_fence,
        kept_current, current_snapshot, current_bound, current_fence)
SELECT made.name, range.lo, range.hi, $8, $9, $10, CASE WHEN $17 THEN coalesce($9, $8) END, $8, $11::text::pg_snapshot, $12, $13::text::xid8,
       $9, $14::text::pg_snapshot, $15, $16::text::xid8
  FROM made, unnest($6::smallint[], $7::smallint[]) AS range (lo, hi)
