-- The window $2 where ranges of a group meet, as a position has it that has come there already. No locks.
SELECT done_snapshot::text AS snapshot, done_bound AS bound, done_fence::text AS fence
  FROM eventwright.positions WHERE group_name = $1 AND done = $2 AND done_snapshot IS NOT NULL
 UNION ALL
SELECT current_snapshot::text, current_bound, current_fence::text
  FROM eventwright.positions WHERE group_name = $1 AND current = $2 AND current_snapshot IS NOT NULL
 LIMIT 1
