-- What publishers may say beside an event: a key by which a repetition is known, and a time before which it does not come.

-- Keys under which events were published. A key's row is what concurrent publishers of the same key wait at: the second one
-- until the first has committed or rolled back.
CREATE TABLE eventwright.idempotency_keys (
    source   text        NOT NULL,
    key      text        NOT NULL CHECK (octet_length(key) <= 1024),   -- an index can't hold longer ones
    event_id uuid        NOT NULL,
    -- How often it was published again. 0 says that this very statement inserted the row: event ids don't say so, since who
    -- tries again may well bring the event that it has.
    repeats  integer     NOT NULL DEFAULT 0,
    -- When the event was published, or will be: a key outlives its scheduled event.
    used_at  timestamptz NOT NULL,
    PRIMARY KEY (source, key)
) WITH (fillfactor = 90);
CREATE INDEX idempotency_keys_used_at ON eventwright.idempotency_keys (used_at);

-- Forgets keys that were used longer ago than this, the oldest first, and returns how many. In small steps, so that no publisher
-- waits for long: who gets `at_most` calls again. Passes over keys that a publisher has. Plan: idempotency_keys_used_at.
CREATE FUNCTION eventwright.forget_idempotency_keys(older_than interval, at_most integer DEFAULT 1000) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    until timestamptz := clock_timestamp() - older_than;
    forgotten integer;
BEGIN
    WITH old AS MATERIALIZED (
        SELECT k.source, k.key FROM eventwright.idempotency_keys k
         WHERE k.used_at < until
         ORDER BY k.used_at
         LIMIT at_most
           FOR UPDATE SKIP LOCKED)
    DELETE FROM eventwright.idempotency_keys k USING old WHERE k.source = old.source AND k.key = old.key;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;

-- Events that come later. They are no part of the log, and take no number in it, before they are due.
CREATE TABLE eventwright.scheduled (
    id               bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,   -- the order of what is due at the same time
    xid              xid8        NOT NULL DEFAULT pg_current_xact_id(),   -- who scheduled it: before or after an erasure began
    due_at           timestamptz NOT NULL,
    event_id         uuid        NOT NULL CHECK (get_byte(uuid_send(event_id), 6) >> 4 = 7),
    event_type       text        NOT NULL,
    schema_version   integer     NOT NULL CHECK (schema_version BETWEEN 0 AND 65535),
    source           text        NOT NULL,
    tenant_id        text,
    subject          text        NOT NULL,
    occurred_at      timestamptz NOT NULL,
    correlation_id   text        NOT NULL,
    causation_id     uuid,
    traceparent      text,
    payload          json        NOT NULL,
    downcast_version integer     CHECK (downcast_version BETWEEN 0 AND 65535),
    downcast_payload json,
    -- Given free again where the event is cancelled.
    idempotency_key  text,
    PRIMARY KEY (event_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);   -- rows come and go at one end
CREATE INDEX scheduled_due ON eventwright.scheduled (due_at, id);

-- Seconds until the next scheduled event is due, 0 where one is; null where there is none. Plan: the first of scheduled_due.
CREATE FUNCTION eventwright.next_due() RETURNS double precision
LANGUAGE sql VOLATILE AS $$
    SELECT greatest(extract(epoch FROM s.due_at - clock_timestamp()), 0)::double precision
      FROM eventwright.scheduled s
     ORDER BY s.due_at, s.id
     LIMIT 1
$$;

-- Moves events that are due into the log, in the order of their times, and returns how many; less than `at_most`: no more are due,
-- or another mover is at it. A transaction of its own, read committed. Each event moves once: the row that is deleted is the right to
-- insert it. One mover at a time, or the order would be lost; who comes second returns at once. An event that is just being cancelled
-- is passed over. Nothing due costs one probe of scheduled_due; the time is a variable, for no index is searched by a volatile function.
-- Of a subject that was erased (see migration 8), what was scheduled before that comes without its payload, also where nobody could see
-- it then: its transaction was still open.
-- Without seqscan: how many of all are due, no statistics know, and then all that is scheduled would be read for each one that is.
CREATE FUNCTION eventwright.publish_due(at_most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    present timestamptz := clock_timestamp();
    moved integer;
BEGIN
    PERFORM FROM eventwright.scheduled s WHERE s.due_at <= present ORDER BY s.due_at, s.id LIMIT 1;
    IF NOT FOUND OR NOT pg_try_advisory_xact_lock('eventwright.scheduled'::regclass::oid::bigint::bit(32)::int, 1) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM eventwright.scheduled s
         WHERE s.event_id = ANY (ARRAY(
                SELECT due.event_id
                  FROM eventwright.scheduled due
                 WHERE due.due_at <= present
                 ORDER BY due.due_at, due.id
                 LIMIT at_most
                   FOR UPDATE SKIP LOCKED))
        RETURNING s.*
    )
    INSERT INTO eventwright.outbox (
        event_id, event_type, schema_version, source, tenant_id, subject, occurred_at,
        correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload)
    SELECT t.event_id, t.event_type, t.schema_version, t.source, t.tenant_id, t.subject, t.occurred_at,
           t.correlation_id, t.causation_id, t.traceparent,
           CASE WHEN is_to_go THEN eventwright.erased() ELSE t.payload END, t.downcast_version,
           CASE WHEN is_to_go AND t.downcast_payload IS NOT NULL THEN eventwright.erased() ELSE t.downcast_payload END
      FROM taken t
     CROSS JOIN LATERAL (SELECT EXISTS (
            SELECT FROM eventwright.erasures e WHERE e.subject = t.subject AND t.xid < e.fence)
                AND NOT eventwright.is_erased(t.payload) AS is_to_go) erasure
     ORDER BY t.due_at, t.id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    -- a statement of its own, after the rows took their xid: as publishers read the flag
    IF moved > 0 THEN
        PERFORM pg_notify('eventwright', asleep.last_value::text)
           FROM eventwright.asleep, eventwright.awake
          WHERE asleep.last_value > awake.last_value
            AND asleep.last_value > extract(epoch FROM clock_timestamp()) * 1000;
    END IF;
    RETURN moved;
END
$$;
