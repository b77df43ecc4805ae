-- Takes held events that are due, at most $5, counts the attempt and leases them, all before they run: so an attempt that takes the
-- process down is counted, too. Where that happened in company, the next one, alone, is not counted again; and one whose last
-- attempt never came to an end runs in company ($6) no more. Locks the rows, passes over those that others have.
-- It outlives the process, not the server, which takes what the attempt did with it: so its commit is not waited for.
-- Plan: the partial index held_due, then the primary key.
UPDATE eventwright.held h
   SET attempts = h.attempts + CASE WHEN h.in_company THEN 0 ELSE 1 END, in_company = $6,
       lease = $3, leased_until = clock_timestamp() + make_interval(secs => $4)
 WHERE h.group_name = $1
   AND h.seq = ANY (ARRAY(
        SELECT e.seq
          FROM eventwright.held e CROSS JOIN set_config('synchronous_commit', 'off', true)
         WHERE e.group_name = $1 AND e.reason NOT IN ('behind', 'dead') AND e.due_at <= clock_timestamp()
           AND (e.lease IS NULL OR (e.leased_until < clock_timestamp() AND NOT $6))
           AND (e.event_type || '/' || e.schema_version = ANY ($2) OR e.event_type || '/' || e.downcast_version = ANY ($2))
         ORDER BY e.due_at
         LIMIT $5
           FOR UPDATE OF e SKIP LOCKED))
RETURNING h.seq, h.event_id, h.event_type, h.schema_version, h.source, h.tenant_id, h.subject, h.occurred_at, h.published_at,
          h.correlation_id, h.causation_id, h.traceparent, h.payload::text AS payload, h.downcast_version,
          h.downcast_payload::text AS downcast_payload, h.attempts
