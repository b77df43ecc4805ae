-- How each group of this database stands to an event of the log that it reads. One statement, so that what a group holds back and
-- where it stands are of the same moment. No locks. Plan: a few index probes for each group.
--
-- A range has passed an event that its window `done` sees: all that a window sees is handled once the window is done. While it reads on
-- to window `current`, it also has passed what that one sees up to after_seq: a page has stragglers and newer events in the order of
-- their numbers, and the position moves to the last one, or to where it looked. An event with a lower number that `current` does
-- not see is passed by nobody: its transaction ran on, and it comes as a straggler of a later window.
-- $1 event  $2 seq  $3 xid  $4 bucket  $5 type  $6, $7 whose log it is (null: this database's)
SELECT g.name, g.paused_at, g.detached_at,
       cardinality(g.event_types) = 0 OR $5 = ANY (g.event_types) AS subscribed,
       coalesce(pg_visible_in_snapshot($3::text::xid8, coalesce(done.snapshot, p.done_snapshot)), false)
           OR coalesce($2 <= p.after_seq AND pg_visible_in_snapshot($3::text::xid8, coalesce(current.snapshot, p.current_snapshot)), false)
           AS passed,
       greatest($2 - greatest(p.after_seq, coalesce(done.bound, p.done_bound)), 0) AS to_go,
       h.reason, h.attempts, h.due_at, h.leased_until, h.leased_until > clock_timestamp() AS leased, h.last_error, h.died_at,
       head.event_id AS head_id, head.reason = 'dead' AS head_is_dead
  FROM eventwright.groups g
  LEFT JOIN eventwright.positions p ON p.group_name = g.name AND $4 BETWEEN p.bucket_lo AND p.bucket_hi
  LEFT JOIN eventwright.windows done ON done.id = p.done AND p.kept_done IS DISTINCT FROM p.done
  LEFT JOIN eventwright.windows current ON current.id = p.current AND p.kept_current IS DISTINCT FROM p.current
  LEFT JOIN eventwright.held h ON h.group_name = g.name AND h.seq = $2 AND h.event_id = $1
  LEFT JOIN LATERAL (
        SELECT e.event_id, e.reason
          FROM eventwright.held e
         WHERE h.reason = 'behind' AND e.group_name = h.group_name AND e.subject = h.subject AND e.seq < h.seq
           AND (g.keeps_order OR e.reason NOT IN ('failed', 'snoozed', 'dead'))
         ORDER BY e.seq
         LIMIT 1) head ON true
 WHERE g.log_system IS NOT DISTINCT FROM $6 AND g.log_database IS NOT DISTINCT FROM $7
 ORDER BY g.name
