-- Where a group's ranges stand. Waits for the transactions of the handlers that have them, and keeps others from claiming them.
SELECT bucket_lo, done, done_bound, done_fence::text, current, current_bound, current_fence::text
  FROM eventwright.positions
 WHERE group_name = $1
 ORDER BY bucket_lo
   FOR NO KEY UPDATE
