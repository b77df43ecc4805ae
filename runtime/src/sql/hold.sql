-- Holds events of the log back for a group.
INSERT INTO eventwright.held (
    group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
    correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload,
    reason, attempts, due_at, last_error, died_at)
SELECT $1, o.seq, o.event_id, o.event_type, o.schema_version, o.source, o.tenant_id, o.subject, o.occurred_at, o.published_at,
       o.correlation_id, o.causation_id, o.traceparent, o.payload, o.downcast_version, o.downcast_payload,
       h.reason, h.attempts, clock_timestamp() + make_interval(secs => h.wait_seconds), h.error,
       CASE WHEN h.reason = 'dead' THEN clock_timestamp() END
  FROM unnest($2::bigint[], $3::text[], $4::integer[], $5::double precision[], $6::text[])
       AS h (seq, reason, attempts, wait_seconds, error)
  JOIN eventwright.outbox o ON o.seq = h.seq
