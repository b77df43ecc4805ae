-- One event into the log, in the caller's transaction. Locks nothing but its own row; waits for nobody.
-- The flag is read after the row took its xid (the sub-select depends on the row): so whoever sets the flag and then waits for
-- all xids given out by then has waited for everybody who may have read it unset.
-- A call says about where the event is, so that its range can be claimed at once; not quite, or a transaction would call as many times as it
-- has subjects: calls that say the same are one.
INSERT INTO eventwright.outbox AS e (
    event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
    correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload
) VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, clock_timestamp()), $8, $9, $10, $11::text::json, $12, $13::text::json)
RETURNING CASE WHEN (
    SELECT last_value % 1000 <> 0 AND last_value > extract(epoch FROM clock_timestamp()) * 1000000
      FROM eventwright.asleep
     WHERE e.seq IS NOT NULL
) THEN pg_notify('eventwright', (SELECT last_value FROM eventwright.asleep) || ' ' || e.bucket / 64 * 64) END
