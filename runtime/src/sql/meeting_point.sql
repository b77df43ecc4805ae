-- Window $2 of a group's log, as a position has it that has come there already. No locks.
SELECT done_snapshot::text AS snapshot, done_bound AS bound, done_fence::text AS fence
  FROM eventwright.positions WHERE group_name = $1 AND done = $2 AND kept_done = $2
 UNION ALL
SELECT current_snapshot::text, current_bound, current_fence::text
  FROM eventwright.positions WHERE group_name = $1 AND current = $2 AND kept_current = $2
 LIMIT 1
