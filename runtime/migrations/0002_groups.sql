-- Subscriber groups: where each stands in the log, what it holds back, and what it gave up.

CREATE TABLE eventwright.groups (
    name       text        PRIMARY KEY,
    domain     text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A group's buckets are split into ranges; a range is the unit of parallel work. `done` is the window up to which everything
-- was handled; while the range reads on to window `current`, `after_seq` is the last sequence number that it has passed.
CREATE TABLE eventwright.positions (
    group_name text     NOT NULL REFERENCES eventwright.groups (name) ON DELETE CASCADE,
    bucket_lo  smallint NOT NULL,
    bucket_hi  smallint NOT NULL CHECK (bucket_hi >= bucket_lo),
    done       bigint   NOT NULL,
    current    bigint,
    after_seq  bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (group_name, bucket_lo)
) WITH (fillfactor = 50);   -- small rows that are updated for ever: room for heap-only updates

-- What a range was about to run. Written before the handlers run and outside their transaction, so that it survives a handler
-- that takes the process down: finding one's own first_seq here says that the chunk was begun before and never finished.
CREATE TABLE eventwright.begun (
    group_name text     NOT NULL,
    bucket_lo  smallint NOT NULL,
    first_seq  bigint   NOT NULL,
    until_seq  bigint   NOT NULL,
    suspect    boolean  NOT NULL DEFAULT false,
    attempts   integer  NOT NULL DEFAULT 0,
    PRIMARY KEY (group_name, bucket_lo),
    FOREIGN KEY (group_name, bucket_lo) REFERENCES eventwright.positions ON DELETE CASCADE
) WITH (fillfactor = 50);

-- Events that a group holds back, whole, so that the log may forget them: one that failed and is retried, one that waits for
-- its effect handler or for a deploy that knows its version, one that was given up, and all later ones of the same subject,
-- which keep their place behind it. A dead one is held like the others, so that it can come back to its place.
CREATE TABLE eventwright.held (
    group_name       text        NOT NULL REFERENCES eventwright.groups (name) ON DELETE CASCADE,
    seq              bigint      NOT NULL,
    event_id         uuid        NOT NULL,
    event_type       text        NOT NULL,
    schema_version   integer     NOT NULL,
    source           text        NOT NULL,
    tenant_id        text,
    subject          text        NOT NULL,
    occurred_at      timestamptz NOT NULL,
    published_at     timestamptz NOT NULL,
    correlation_id   text        NOT NULL,
    causation_id     uuid,
    traceparent      text,
    payload          json        NOT NULL,
    downcast_version integer,
    downcast_payload json,
    reason           text        NOT NULL
                     CHECK (reason IN ('failed', 'snoozed', 'effect', 'unknown', 'ready', 'behind', 'dead')),
    attempts         integer     NOT NULL DEFAULT 0,
    due_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease            uuid,
    leased_until     timestamptz,
    last_error       text,
    held_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    died_at          timestamptz,
    PRIMARY KEY (group_name, seq),
    CHECK ((reason = 'dead') = (died_at IS NOT NULL))
);
-- Who is first of its subject.
CREATE INDEX held_subject ON eventwright.held (group_name, subject, seq);
-- What may run: it is small, whatever waits behind it.
CREATE INDEX held_due ON eventwright.held (group_name, due_at) WHERE reason NOT IN ('behind', 'dead');
CREATE INDEX held_dead ON eventwright.held (group_name, died_at) WHERE reason = 'dead';

-- Events that a group gave up. One blocks its subject's later events in that group until it is redriven or discarded.
CREATE VIEW eventwright.dead_letters AS
SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
       correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload,
       attempts, last_error AS error, died_at
  FROM eventwright.held
 WHERE reason = 'dead';

-- Lets the first held event of each of these subjects run, where it was behind another.
-- Called last in a transaction that held events back or let them go. The locks make those take turns who do so for one subject;
-- without them, one who adds an event behind a head and one who takes the head away would not see each other, and the event
-- would wait for ever.
CREATE FUNCTION eventwright.release(of_group text, subjects text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.held'::regclass::oid::bigint::bit(32)::int, key)
       FROM (SELECT DISTINCT hashtext(of_group || '/' || s) AS key FROM unnest(subjects) s ORDER BY 1) keys;
    UPDATE eventwright.held h
       SET reason = 'ready', due_at = clock_timestamp()
      FROM unnest(subjects) s
     CROSS JOIN LATERAL (SELECT e.seq FROM eventwright.held e
                          WHERE e.group_name = of_group AND e.subject = s ORDER BY e.seq LIMIT 1) head
     WHERE h.group_name = of_group AND h.seq = head.seq AND h.reason = 'behind';
END
$$;
