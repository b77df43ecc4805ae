-- Claims a range for this transaction, with the windows between which it reads; passes over a range that another worker has.
-- Locks one row of positions. NO KEY UPDATE, so that `begun`, which refers to it, can be written by another connection.
SELECT p.bucket_hi, p.after_seq,
       done.id AS done_id, done.snapshot::text AS done_snapshot, done.bound AS done_bound, done.fence::text AS done_fence,
       target.id AS target_id, target.snapshot::text AS target_snapshot, target.bound AS target_bound
  FROM eventwright.positions p
  JOIN eventwright.windows done ON done.id = p.done
  JOIN eventwright.windows target ON target.id = coalesce(p.current, $3)
 WHERE p.group_name = $1 AND p.bucket_lo = $2
   FOR NO KEY UPDATE OF p SKIP LOCKED
