-- One event into the log, in the caller's transaction. Locks nothing but its own row; waits for nobody.
-- The flag is read after the row took its xid (the sub-select depends on the row): so whoever sets the flag and then waits for
-- all xids given out by then has waited for everybody who may have read it unset.
INSERT INTO eventwright.outbox AS e (
    event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
    correlation_id, causation_id, traceparent, payload
) VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, clock_timestamp()), $8, $9, $10, $11::text::json)
RETURNING CASE WHEN (
    SELECT asleep.last_value > awake.last_value
           AND asleep.last_value > extract(epoch FROM clock_timestamp()) * 1000
      FROM eventwright.asleep, eventwright.awake
     WHERE e.seq IS NOT NULL
) THEN pg_notify('eventwright', (SELECT last_value::text FROM eventwright.asleep)) END
