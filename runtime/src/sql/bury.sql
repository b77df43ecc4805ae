-- Gives events of the log up for a group.
INSERT INTO eventwright.dead_letters (
    group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
    correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload, attempts, error)
SELECT $1, o.seq, o.event_id, o.event_type, o.schema_version, o.source, o.tenant_id, o.subject, o.occurred_at, o.published_at,
       o.correlation_id, o.causation_id, o.traceparent, o.payload, o.downcast_version, o.downcast_payload, d.attempts, d.error
  FROM unnest($2::bigint[], $3::integer[], $4::text[]) AS d (seq, attempts, error)
  JOIN eventwright.outbox o ON o.seq = d.seq
