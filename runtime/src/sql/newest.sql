-- The newest window to which a group elsewhere has read, or reads. Waits for the transactions of the handlers that have its ranges, and
-- keeps others from claiming them: what they have read before either is seen here, or can't be committed any more.
WITH ranges AS MATERIALIZED (
    SELECT * FROM eventwright.positions WHERE group_name = $1 ORDER BY bucket_lo FOR NO KEY UPDATE
)
SELECT w.id, w.bound, w.fence::text
  FROM ranges r
 CROSS JOIN LATERAL (VALUES (r.done, r.done_bound, r.done_fence), (r.current, r.current_bound, r.current_fence)) AS w (id, bound, fence)
 WHERE w.id IS NOT NULL
 ORDER BY w.id DESC
 LIMIT 1
