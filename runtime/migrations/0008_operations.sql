-- What operators need.

-- Of a group that began to hold events back after the last ANALYZE, the list of most common values says that it holds next to nothing:
-- then all that it holds is read to find one event of it. Without statistics, Postgres takes it for a two-hundredth of the table, which is
-- enough to look for events one by one.
ALTER TABLE eventwright.held ALTER COLUMN group_name SET STATISTICS 0;

-- When an event failed for the first time while it was held back. One that was held back because it failed did so at held_at.
ALTER TABLE eventwright.held ADD COLUMN failed_at timestamptz;

-- Finds one dead letter among millions.
CREATE INDEX held_dead_event ON eventwright.held (event_id) WHERE reason = 'dead';

CREATE OR REPLACE VIEW eventwright.dead_letters AS
SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
       correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload,
       attempts, last_error AS error, died_at, coalesce(failed_at, held_at) AS failed_at
  FROM eventwright.held
 WHERE reason = 'dead';

-- A number in the log before all events that were published at this time or later, and near the first of them: where a group begins
-- that begins at a time. No event before it was published later than that, so what it leaves out is older.
-- Numbers and times rise together but for the moment between taking the one and the other: a publisher that stands still there, or a
-- server's clock that is set back, takes a later number at an earlier time, or the other way round. `margin` is how long that may be;
-- with it, some events come out that were published up to so long before.
-- Cost: an index probe for each halving of the log, at most 63, whatever lies empty in between. No locks.
CREATE FUNCTION eventwright.seq_at(moment timestamptz, margin interval DEFAULT '1 minute') RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    below bigint := 0;  -- 0, or the number of an event that was published before
    above bigint;       -- no event from here on was
    middle bigint;
    probe record;
BEGIN
    SELECT last_value + 1 INTO STRICT above FROM eventwright.outbox_seq;
    WHILE above - below > 1 LOOP
        middle := below + (above - below) / 2;
        SELECT o.seq, o.published_at INTO probe
          FROM eventwright.outbox o WHERE o.seq >= middle AND o.seq < above ORDER BY o.seq LIMIT 1;
        IF NOT FOUND OR probe.published_at >= moment - margin THEN
            above := middle;
        ELSE
            below := probe.seq;
        END IF;
    END LOOP;
    RETURN below;
END
$$;

-- What stands in place of a payload that was erased. In the payload itself, not beside it: so it goes with the event wherever that
-- is copied to. No schema of ours allows such an object.
CREATE FUNCTION eventwright.erased() RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT format('{"eventwright.erased_at":"%s"}', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::json
$$;

CREATE FUNCTION eventwright.is_erased(payload json) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT starts_with(payload::text, '{"eventwright.erased_at":"')
$$;

-- Subjects whose payloads are erased, or are being erased: the record that it was done, and where an interrupted one goes on.
CREATE TABLE eventwright.erasures (
    subject          text        NOT NULL,
    asked_at         timestamptz NOT NULL,
    -- The log is searched up to until_seq, and has been up to after_seq.
    until_seq        bigint      NOT NULL,
    after_seq        bigint      NOT NULL DEFAULT 0,
    -- Who was running by then, and may have published with a lower number: as of a window (see open_window).
    snapshot         pg_snapshot NOT NULL,
    fence            xid8        NOT NULL,
    log_events       bigint      NOT NULL DEFAULT 0,
    scheduled_events bigint      NOT NULL DEFAULT 0,
    held_events      bigint      NOT NULL DEFAULT 0,
    finished_at      timestamptz,
    PRIMARY KEY (subject, asked_at)
);
CREATE UNIQUE INDEX erasures_unfinished ON eventwright.erasures (subject) WHERE finished_at IS NULL;

-- Notes how far the log is to be searched for a subject, where that is not noted yet. Alone in its own read committed transaction, and
-- in the order of open_window, whose proof is its proof: snapshot, number, xid.
CREATE FUNCTION eventwright.begin_erasure(of_subject text, scheduled_events bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    seen pg_snapshot;
    last_seq bigint;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'eventwright.begin_erasure must be alone in its transaction';
    END IF;
    PERFORM pg_advisory_xact_lock('eventwright.erasures'::regclass::oid::bigint::bit(32)::int, hashtext(of_subject));
    UPDATE eventwright.erasures e SET scheduled_events = e.scheduled_events + begin_erasure.scheduled_events
     WHERE e.subject = of_subject AND e.finished_at IS NULL;
    IF FOUND THEN
        RETURN;
    END IF;
    seen := pg_current_snapshot();
    SELECT last_value - (NOT is_called)::int INTO STRICT last_seq FROM eventwright.outbox_seq;
    INSERT INTO eventwright.erasures (subject, asked_at, until_seq, snapshot, fence, scheduled_events)
    VALUES (of_subject, clock_timestamp(), last_seq, seen, pg_current_xact_id(), scheduled_events);
END
$$;

-- Whether what was published about a subject at this time has been erased since. Of the table, a subscriber may know no more.
CREATE FUNCTION eventwright.was_erased(of_subject text, published_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM eventwright.erasures e WHERE e.subject = of_subject AND e.asked_at >= was_erased.published_at)
$$;

INSERT INTO eventwright.subscriber_functions (name, as_owner) VALUES
    ('was_erased', true), ('seq_at', false), ('erased', false), ('is_erased', false);
