-- Events into the log, or onto the schedule, in the caller's transaction and in the order of the arrays.
--
-- Locks, in this order: where $16, an advisory lock on each subject; the rows of idempotency keys, until the transaction ends. Each kind is
-- taken in the order of its values, so that two batches don't lock each other out. Only then does a row take its seq, which is what
-- the subjects' locks are for: a number is not higher than that of whoever had the lock before and has committed.
--
-- A key that is there already is updated, not passed over: that waits for the transaction that inserted it, shows its event also
-- to a snapshot that is older than it, and is an error (40001) at repeatable read. `repeats` 0 says that we inserted it.
--
-- seq follows the arrays: a default is worked out above the sort of a sub-select, row by row as they come out of it.
-- The flag is read after all rows took their xid (the sub-select depends on the last of them), and at most once; see publish.sql.
--
-- Plan: scans in the batch's own size and two sorts, whatever the planner thinks that size is: there is no join for it to misjudge. The locks
-- are one InitPlan, the repeated keys a hashed SubPlan.
-- Arrays of one length, their elements null where nothing was said: $1 event_id  $2 event_type  $3 schema_version  $4 tenant_id
-- $5 subject  $6 occurred_at  $7 correlation_id  $8 causation_id  $9 traceparent  $10 payload  $11 downcast_version
-- $12 downcast_payload  $13 idempotency_key, none of them twice  $14 due_at  $15 seconds until due
-- For all: $16 whether to lock subjects  $17 source  $18 whether to notify
-- Returns one row: the keys that were there, and beside each the id of the event that has it; nulls where there are none.
WITH event AS MATERIALIZED (
    SELECT e.*, coalesce(e.due_at, clock_timestamp() + make_interval(secs => e.due_in)) AS due
      FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::uuid[],
                  $9::text[], $10::text[], $11::integer[], $12::text[], $13::text[], $14::timestamptz[], $15::double precision[])
           WITH ORDINALITY AS e (
                event_id, event_type, schema_version, tenant_id, subject, occurred_at, correlation_id, causation_id,
                traceparent, payload, downcast_version, downcast_payload, key, due_at, due_in, n)
), locked AS MATERIALIZED (
    SELECT pg_advisory_xact_lock('eventwright.outbox_seq'::regclass::oid::bigint::bit(32)::int, s.hash)
      FROM (SELECT DISTINCT hashtext(e.subject) AS hash FROM event e WHERE $16::boolean ORDER BY 1) s
), taken AS (
    INSERT INTO eventwright.idempotency_keys AS k (source, key, event_id, used_at)
    SELECT $17::text, e.key, e.event_id, coalesce(e.due, clock_timestamp())
      FROM event e
     WHERE e.key IS NOT NULL AND (SELECT count(*) FROM locked) IS NOT NULL
     ORDER BY e.key COLLATE "C"
    ON CONFLICT (source, key) DO UPDATE SET repeats = k.repeats + 1
    RETURNING key, event_id, repeats
), fresh AS (
    SELECT e.*
      FROM event e
     WHERE (SELECT count(*) FROM locked) IS NOT NULL
       AND (e.key IS NULL OR e.key NOT IN (SELECT t.key FROM taken t WHERE t.repeats > 0))
), published AS (
    INSERT INTO eventwright.outbox (
        event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
        correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload)
    SELECT f.event_id, f.event_type, f.schema_version, $17, f.tenant_id, f.subject, coalesce(f.occurred_at, clock_timestamp()),
           f.correlation_id, f.causation_id, f.traceparent, f.payload::json, f.downcast_version, f.downcast_payload::json
      FROM fresh f
     WHERE f.due IS NULL
     ORDER BY f.n
    RETURNING seq
), put_off AS (
    INSERT INTO eventwright.scheduled (
        due_at, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
        correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload, idempotency_key)
    SELECT f.due, f.event_id, f.event_type, f.schema_version, $17, f.tenant_id, f.subject, coalesce(f.occurred_at, f.due),
           f.correlation_id, f.causation_id, f.traceparent, f.payload::json, f.downcast_version, f.downcast_payload::json, f.key
      FROM fresh f
     WHERE f.due IS NOT NULL
     ORDER BY f.n
    RETURNING id
)
SELECT (SELECT array_agg(t.key ORDER BY t.key) FROM taken t WHERE t.repeats > 0) AS repeated,
       (SELECT array_agg(t.event_id ORDER BY t.key) FROM taken t WHERE t.repeats > 0) AS earlier,
       CASE WHEN $18::boolean AND (
           SELECT last_value % 1000 <> 0 AND last_value > extract(epoch FROM clock_timestamp()) * 1000000
             FROM eventwright.asleep
            WHERE last.seq IS NOT NULL
       ) THEN pg_notify('eventwright', (SELECT last_value::text FROM eventwright.asleep)) END AS notified
  FROM (SELECT greatest((SELECT max(seq) FROM published), (SELECT max(id) FROM put_off)) AS seq) AS last
