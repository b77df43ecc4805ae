-- Takes an event of this source off the schedule, in the caller's transaction, and gives its idempotency key free. Locks both rows, if they
-- are there; waits for whoever moves or cancels the event at the same time. Plan: both primary keys.
WITH cancelled AS (
    DELETE FROM eventwright.scheduled WHERE event_id = $1 AND source = $2 RETURNING source, idempotency_key, event_id
), freed AS (
    DELETE FROM eventwright.idempotency_keys k
     USING cancelled c
     WHERE k.source = c.source AND k.key = c.idempotency_key AND k.event_id = c.event_id
)
SELECT count(*) > 0 AS cancelled FROM cancelled
