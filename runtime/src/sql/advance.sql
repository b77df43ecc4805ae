-- Moves a range on: to $5 within its window, or past it where $4 is null. $6 to $11 are what the two windows are. Locks the row that
-- `claim` locked.
-- Not where the group was detached: what was read after that may have a gap where the log has dropped its events.
UPDATE eventwright.positions
   SET done = $3, current = $4, after_seq = $5,
       kept_done = $3, done_snapshot = $6::text::pg_snapshot, done_bound = $7, done_fence = $8::text::xid8,
       kept_current = $4, current_snapshot = $9::text::pg_snapshot, current_bound = $10, current_fence = $11::text::xid8,
       updates = updates + 1
 WHERE ctid = eventwright.position_of($1, $2) AND group_name = $1 AND bucket_lo = $2
   AND NOT EXISTS (SELECT FROM eventwright.groups WHERE name = $1 AND detached_at IS NOT NULL)
