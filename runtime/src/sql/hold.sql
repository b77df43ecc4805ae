-- Holds events of the log back for a group: whole, because the log may be elsewhere, and forgets them. Locks its own rows.
-- What was read before its payload was erased in the log is erased here.
INSERT INTO eventwright.held (
    group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
    correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload,
    reason, attempts, due_at, last_error, died_at)
SELECT $1, e.seq, e.event_id, e.event_type, e.schema_version, e.source, e.tenant_id, e.subject, e.occurred_at, e.published_at,
       e.correlation_id, e.causation_id, e.traceparent,
       CASE WHEN x.asked_at IS NULL THEN e.payload::json ELSE eventwright.erased() END, e.downcast_version,
       CASE WHEN x.asked_at IS NULL OR e.downcast_payload IS NULL THEN e.downcast_payload::json ELSE eventwright.erased() END,
       e.reason, e.attempts, clock_timestamp() + make_interval(secs => e.wait_seconds),
       CASE WHEN x.asked_at IS NULL OR e.error IS NULL THEN e.error ELSE '<erased>' END,
       CASE WHEN e.reason = 'dead' THEN clock_timestamp() END
  FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
              $10::timestamptz[], $11::text[], $12::uuid[], $13::text[], $14::text[], $15::integer[], $16::text[],
              $17::text[], $18::integer[], $19::double precision[], $20::text[])
       AS e (seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
             published_at, correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload,
             reason, attempts, wait_seconds, error)
  LEFT JOIN LATERAL (
        SELECT r.asked_at FROM eventwright.erasures r WHERE r.subject = e.subject AND r.asked_at >= e.published_at LIMIT 1) x ON true
