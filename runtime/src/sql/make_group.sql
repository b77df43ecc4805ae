-- Makes a group and its ranges, unless it is there; in one statement, so who comes second finds both.
-- $1 name  $2 domain  $3, $4, $5 the log's identity, where it is elsewhere  $6 how many ranges
-- $7 window that is done  $8 window that is read to first, if not the newest  $9 seq passed already
-- $10 to $15 what these windows are
-- $16 whether it ends with that window, $17 at which seq, $18 whether its effect handlers run  $19 when the log's server was started
WITH made AS (
    INSERT INTO eventwright.groups (name, domain, log_system, log_database, log_timeline, log_started, until_window, until_seq, effects)
    VALUES ($1, $2, $3, $4, $5, $19, CASE WHEN $16 THEN coalesce($8, $7) END, $17, $18)
    ON CONFLICT DO NOTHING RETURNING name
)
INSERT INTO eventwright.positions
       (group_name, bucket_lo, bucket_hi, done, current, after_seq, stop_at, kept_done, done_snapshot, done_bound, done_fence,
        kept_current, current_snapshot, current_bound, current_fence)
SELECT made.name, range.lo, range.hi, $7, $8, $9, CASE WHEN $16 THEN coalesce($8, $7) END, $7, $10::text::pg_snapshot, $11,
       $12::text::xid8, $8, $13::text::pg_snapshot, $14, $15::text::xid8
  FROM made, eventwright.edges($6) AS range
