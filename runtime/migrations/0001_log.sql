-- The log: one append-only table, and the windows through which groups read it.
-- Each statement names its schema; the runtime puts another name in its place where one is configured.

CREATE SEQUENCE eventwright.outbox_seq CACHE 1;

CREATE TABLE eventwright.outbox (
    -- Takes the transaction's xid before nextval, in one expression: two defaults would be evaluated in column order, which an
    -- INSERT's column list or a partition's own column order can turn round, and then events are lost.
    seq              bigint      NOT NULL DEFAULT nextval(CASE WHEN pg_current_xact_id() IS NOT NULL THEN 'eventwright.outbox_seq'::regclass END),
    xid              xid8        NOT NULL DEFAULT pg_current_xact_id(),
    bucket           smallint    NOT NULL GENERATED ALWAYS AS ((hashtextextended(subject, 0) & 1023)::smallint) STORED,
    event_id         uuid        NOT NULL CHECK (get_byte(uuid_send(event_id), 6) >> 4 = 7),
    event_type       text        NOT NULL,
    schema_version   integer     NOT NULL CHECK (schema_version BETWEEN 0 AND 65535),
    source           text        NOT NULL,
    tenant_id        text,
    subject          text        NOT NULL,
    occurred_at      timestamptz NOT NULL,
    published_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    correlation_id   text        NOT NULL,
    causation_id     uuid,
    traceparent      text,
    -- json, not jsonb: the bytes are kept, so that a signature over them holds.
    payload          json        NOT NULL,
    -- The same fact in an older version that is still promised to somebody.
    downcast_version integer     CHECK (downcast_version BETWEEN 0 AND 65535),
    downcast_payload json,
    PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);

-- Finds what a transaction published, for those that were still running when a window was opened.
CREATE INDEX outbox_xid ON eventwright.outbox (xid, seq);

-- A window is a point in the log: what its snapshot sees. (snapshot, bound, fence) were taken in this order; see open_window.
CREATE TABLE eventwright.windows (
    id        bigint      PRIMARY KEY,
    snapshot  pg_snapshot NOT NULL,
    bound     bigint      NOT NULL,
    fence     xid8        NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Window 0 is the beginning of the log: it sees nothing, and nobody was running. 3 is the first xid there is.
INSERT INTO eventwright.windows (id, snapshot, bound, fence) VALUES (0, '3:3:', 0, '3');

-- The transactions that may still commit rows with seq <= bound after the window was opened: those in the snapshot's list,
-- and those from its xmax on that began before the fence. A snapshot's xmax is the last *completed* xid plus one, so a
-- running transaction can be above it.
CREATE FUNCTION eventwright.running(snapshot pg_snapshot, fence xid8) RETURNS TABLE (xid xid8)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT x FROM pg_snapshot_xip(snapshot) x
    UNION ALL
    SELECT g::text::xid8
      FROM generate_series(pg_snapshot_xmax(snapshot)::text::bigint, fence::text::bigint - 1) g
$$;

-- Opens a window and returns its id, or the last one's where nothing was published since.
-- Alone in its own read committed transaction on the primary. The order of its statements is the proof that nothing is lost:
-- first the snapshot, then the bound (so whatever the snapshot sees has seq <= bound), then the fence (so whoever has a later
-- xid has seq > bound). Openers take turns by an advisory lock on the windows table's oid; publishers never wait.
CREATE FUNCTION eventwright.open_window() RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    previous eventwright.windows;
    now_visible pg_snapshot;
    last_seq bigint;
    next_xid xid8;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'eventwright reads the log on the primary, and this server is a standby'
            USING HINT = 'connect the subscriber to the primary';
    END IF;
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'eventwright.open_window must be alone in its transaction'
            USING HINT = 'call it outside of a transaction block';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'eventwright.open_window needs a read committed transaction, and this one is %',
            current_setting('transaction_isolation')
            USING HINT = 'set default_transaction_isolation to "read committed" for the subscriber''s role';
    END IF;
    PERFORM pg_advisory_xact_lock('eventwright.windows'::regclass::oid::bigint::bit(32)::int, 1);
    SELECT * INTO STRICT previous FROM eventwright.windows ORDER BY id DESC LIMIT 1;
    now_visible := pg_current_snapshot();
    -- a sequence that was never called shows the value that it will give next
    SELECT last_value - (NOT is_called)::int INTO STRICT last_seq FROM eventwright.outbox_seq;
    IF last_seq = previous.bound AND NOT EXISTS (
        SELECT FROM eventwright.running(previous.snapshot, previous.fence) r
          JOIN eventwright.outbox o ON o.xid = r.xid AND o.seq <= previous.bound
         WHERE pg_visible_in_snapshot(r.xid, now_visible)
           AND NOT pg_visible_in_snapshot(r.xid, previous.snapshot))
    THEN
        RETURN previous.id;
    END IF;
    -- Positions live in this cluster and commit after the window did, so a crash that loses the window loses them, too.
    PERFORM set_config('synchronous_commit', 'off', true);
    next_xid := pg_current_xact_id();
    INSERT INTO eventwright.windows (id, snapshot, bound, fence) VALUES (previous.id + 1, now_visible, last_seq, next_xid);
    RETURN previous.id + 1;
END
$$;

-- Keeps `ahead` sequence numbers of room: creates the partitions that are missing, each `width` wide, and returns how many.
-- CREATE ... LIKE and then ATTACH, because CREATE ... PARTITION OF would wait for, and then block, every publisher.
CREATE FUNCTION eventwright.ensure_partitions(ahead bigint DEFAULT 4000000, width bigint DEFAULT 1000000) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last_seq bigint;
    edge bigint;
    made integer := 0;
BEGIN
    SELECT last_value INTO STRICT last_seq FROM eventwright.outbox_seq;
    LOOP
        SELECT coalesce(max(split_part(c.relname, '_to_', 2)::bigint), 0) INTO STRICT edge
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'eventwright.outbox'::regclass;
        EXIT WHEN edge >= last_seq + ahead;
        IF made = 0 THEN
            PERFORM pg_advisory_xact_lock('eventwright.outbox'::regclass::oid::bigint::bit(32)::int, 1);
            made := 1;
            CONTINUE;   -- somebody else may have made them while we waited
        END IF;
        EXECUTE format('CREATE TABLE eventwright.%I (LIKE eventwright.outbox INCLUDING ALL)', 'outbox_to_' || edge + width);
        EXECUTE format('ALTER TABLE eventwright.outbox ATTACH PARTITION eventwright.%I FOR VALUES FROM (%s) TO (%s)',
                       'outbox_to_' || edge + width, edge, edge + width);
        made := made + 1;
    END LOOP;
    RETURN greatest(made - 1, 0);
END
$$;

SELECT eventwright.ensure_partitions();
