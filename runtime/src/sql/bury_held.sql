-- Gives a held event up, if we still have it.
WITH dead AS (
    DELETE FROM eventwright.held WHERE group_name = $1 AND seq = $2 AND lease = $3 RETURNING *
)
INSERT INTO eventwright.dead_letters (
    group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
    correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload, attempts, error)
SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
       correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload, $4, $5
  FROM dead
