-- Has a range go back: to window $3, which is $4 to $6, or within the one that it has done (null). What it was about to run lies ahead again,
-- and may take processes down then: until it is come to, nothing is suspect.
WITH calm AS (
    UPDATE eventwright.begun SET first_seq = 0, until_seq = 0, suspect = false, alone_until = 0, attempts = 0
     WHERE group_name = $1 AND bucket_lo = $2
)
UPDATE eventwright.positions
   SET done = coalesce($3, done), current = NULL, after_seq = 0, kept_current = NULL,
       current_snapshot = NULL, current_bound = NULL, current_fence = NULL,
       kept_done = coalesce($3, kept_done), done_snapshot = coalesce($4::text::pg_snapshot, done_snapshot),
       done_bound = coalesce($5, done_bound), done_fence = coalesce($6::text::xid8, done_fence)
 WHERE group_name = $1 AND bucket_lo = $2
