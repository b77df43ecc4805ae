-- Who holds an event back that the log has forgotten, or has not yet. No locks.
-- Plan: all that is held back, for there is no index on event ids there either; so only where the log knew nothing.
SELECT g.name, g.paused_at, g.detached_at, true AS subscribed, true AS passed, 0::bigint AS to_go,
       h.reason, h.attempts, h.due_at, h.leased_until, h.leased_until > clock_timestamp() AS leased, h.last_error, h.died_at,
       head.event_id AS head_id, head.reason = 'dead' AS head_is_dead
  FROM eventwright.held h
  JOIN eventwright.groups g ON g.name = h.group_name
  LEFT JOIN LATERAL (
        SELECT e.event_id, e.reason
          FROM eventwright.held e
         WHERE h.reason = 'behind' AND e.group_name = h.group_name AND e.subject = h.subject AND e.seq < h.seq
           AND (g.keeps_order OR e.reason NOT IN ('failed', 'snoozed', 'dead'))
         ORDER BY e.seq
         LIMIT 1) head ON true
 WHERE h.event_id = $1
 ORDER BY g.name
