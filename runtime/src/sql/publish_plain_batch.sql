-- As publish_batch.sql, for events without idempotency keys and without a time, and where subjects are not locked: then no row is looked at
-- more than once, and none is sorted or kept aside. A function's rows come in the order of its arrays, and are inserted as they come.
-- No locks. The parameters are the same, so that drivers bind one list; $13 to $16 are not used.
WITH event AS NOT MATERIALIZED (
    SELECT *
      FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::uuid[],
                  $9::text[], $10::text[], $11::integer[], $12::text[]) AS e (
                event_id, event_type, schema_version, tenant_id, subject, occurred_at, correlation_id, causation_id,
                traceparent, payload, downcast_version, downcast_payload)
     WHERE num_nulls($13::text[], $14::timestamptz[], $15::double precision[], $16::boolean) >= 0
), published AS (
    INSERT INTO eventwright.outbox (
        event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
        correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload)
    SELECT e.event_id, e.event_type, e.schema_version, $17::text, e.tenant_id, e.subject, coalesce(e.occurred_at, clock_timestamp()),
           e.correlation_id, e.causation_id, e.traceparent, e.payload::json, e.downcast_version, e.downcast_payload::json
      FROM event e
    RETURNING seq
)
SELECT NULL::text[] AS repeated, NULL::uuid[] AS earlier,
       CASE WHEN $18::boolean AND (
           SELECT last_value % 1000 <> 0 AND last_value > extract(epoch FROM clock_timestamp()) * 1000000
             FROM eventwright.asleep
            WHERE last.seq IS NOT NULL
       ) THEN pg_notify('eventwright', (SELECT last_value::text FROM eventwright.asleep)) END AS notified
  FROM (SELECT max(seq) AS seq FROM published) AS last
