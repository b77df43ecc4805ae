-- All groups: those of this database, with what they hold back, and those of others that have told this log how far they are.
-- No locks. Plan: two index probes for each group (see the function lag), and all of `held` once, to count it.
WITH lag AS MATERIALIZED (
    SELECT * FROM eventwright.lag()
), held AS MATERIALIZED (
    SELECT group_name,
           count(*) FILTER (WHERE reason = 'failed') AS failed, count(*) FILTER (WHERE reason = 'snoozed') AS snoozed,
           count(*) FILTER (WHERE reason = 'effect') AS effect, count(*) FILTER (WHERE reason = 'unknown') AS unknown,
           count(*) FILTER (WHERE reason = 'ready') AS ready, count(*) FILTER (WHERE reason = 'behind') AS behind,
           count(*) FILTER (WHERE reason = 'dead') AS dead
      FROM eventwright.held
     GROUP BY group_name
), tip AS MATERIALIZED (
    SELECT last_value - (NOT is_called)::int AS seq FROM eventwright.outbox_seq
)
SELECT g.name, NULL::text AS home, g.domain, g.created_at, g.paused_at, g.detached_at, tip.seq - l.events AS position,
       l.events AS lag_events, extract(epoch FROM l.behind)::double precision AS lag_seconds,
       (SELECT count(*) FROM eventwright.positions p WHERE p.group_name = g.name) AS ranges,
       h.failed, h.snoozed, h.effect, h.unknown, h.ready, h.behind, h.dead
  FROM tip
 CROSS JOIN eventwright.groups g
  LEFT JOIN lag l ON l.group_name = g.name AND l.home IS NULL
  LEFT JOIN held h ON h.group_name = g.name
 UNION ALL
SELECT l.group_name, l.home, NULL, NULL, NULL, l.detached_at, tip.seq - l.events,
       l.events, extract(epoch FROM l.behind)::double precision, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM tip
 CROSS JOIN lag l
 WHERE l.home IS NOT NULL
 ORDER BY home NULLS FIRST, name
