-- Held events of some subjects of a group, each subject's first $5 in order, at most $4 in all: those that were leased, and what
-- waits behind them. Locks the rows.
-- Plan: the index held_subject, once for each subject, then the primary key: as a join, the subjects can be looked for once for each
-- event that is held.
SELECT h.seq, h.event_id, h.event_type, h.schema_version, h.source, h.tenant_id, h.subject, h.occurred_at, h.published_at,
       h.correlation_id, h.causation_id, h.traceparent, h.payload::text AS payload, h.downcast_version,
       h.downcast_payload::text AS downcast_payload, h.attempts,
       h.lease IS NOT DISTINCT FROM $3 AS leased, h.reason = 'behind' AS behind
  FROM eventwright.held h
 WHERE h.group_name = $1
   AND h.seq = ANY (ARRAY(
        SELECT next.seq
          FROM (SELECT DISTINCT unnest($2::text[]) AS subject) s
         CROSS JOIN LATERAL (SELECT seq FROM eventwright.held h
                              WHERE h.group_name = $1 AND h.subject BETWEEN s.subject AND s.subject
                              ORDER BY h.subject, h.seq LIMIT $5) next
         ORDER BY next.seq
         LIMIT $4))
 ORDER BY h.seq
   FOR UPDATE OF h
