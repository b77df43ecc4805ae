-- One event into the log, in the caller's transaction. Locks nothing but its own row; waits for nobody.
-- The flag is read after the transaction took its xid (CASE evaluates nothing before it must): so whoever sets the flag and then waits for
-- all xids given out by then has waited for everybody who may have read it unset. It is read where the row's values are said: returned
-- with the row, by a sub-select that depends on that, it takes several times as long.
-- A call says about where the event is, so that its range can be claimed at once; not quite, or a transaction would call as many times as it
-- has subjects: calls that say the same are one. A call is never null.
INSERT INTO eventwright.outbox (
    event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
    correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload
) VALUES (
    $1, $2, $3, $4, $5, $6,
    CASE WHEN CASE WHEN CASE WHEN pg_current_xact_id() IS NOT NULL THEN (
                        SELECT last_value % 1000 <> 0 AND last_value > extract(epoch FROM clock_timestamp()) * 1000000
                          FROM eventwright.asleep) END
              THEN pg_notify('eventwright', (SELECT last_value FROM eventwright.asleep)
                                            || ' ' || (hashtextextended($6, 0) & 1023) / 64 * 64) IS NULL END
         THEN NULL
         ELSE coalesce($7, clock_timestamp()) END,
    $8, $9, $10, $11::text::json, $12, $13::text::json)
