-- Where a group's ranges stand. Waits for the transactions of the handlers that have them, and keeps others from claiming them.
SELECT bucket_lo, done, current
  FROM eventwright.positions
 WHERE group_name = $1
 ORDER BY bucket_lo
   FOR NO KEY UPDATE
