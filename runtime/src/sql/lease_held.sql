-- Takes one held event that is due, counts the attempt and leases it, all before it runs: so an attempt that takes the process
-- down is counted, too. Locks one row, passes over those that others have. Plan: the partial index held_due.
UPDATE eventwright.held h
   SET attempts = h.attempts + 1, lease = $3, leased_until = clock_timestamp() + make_interval(secs => $4)
  FROM (SELECT group_name, seq
          FROM eventwright.held
         WHERE group_name = $1 AND reason NOT IN ('behind', 'dead') AND due_at <= clock_timestamp()
           AND (leased_until IS NULL OR leased_until < clock_timestamp())
           AND (event_type || '/' || schema_version = ANY ($2) OR event_type || '/' || downcast_version = ANY ($2))
         ORDER BY due_at
         LIMIT 1
           FOR UPDATE SKIP LOCKED) due
 WHERE h.group_name = due.group_name AND h.seq = due.seq
RETURNING h.seq, h.event_id, h.event_type, h.schema_version, h.source, h.tenant_id, h.subject, h.occurred_at, h.published_at,
          h.correlation_id, h.causation_id, h.traceparent, h.payload::text AS payload, h.downcast_version,
          h.downcast_payload::text AS downcast_payload, h.attempts
