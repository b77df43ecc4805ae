-- A window's bound could be up to 32 too high: then events were passed over that were published after it. nextval logs a number 32 calls ahead,
-- and while it does, that stands in the sequence's row. It has the page locked meanwhile, but a scan reads the row without a lock.
-- pg_sequence_last_value locks the page.

-- The last number that the log's sequence has given out. Whoever asks for one afterwards gets a higher one.
CREATE FUNCTION eventwright.last_seq() RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    given bigint := pg_sequence_last_value('eventwright.outbox_seq'::regclass);
    before_first bigint;
BEGIN
    IF given IS NOT NULL THEN
        RETURN given;
    END IF;
    -- it was never called, and its row shows the value that it will give next, if it still was not afterwards
    SELECT last_value - 1 INTO STRICT before_first FROM eventwright.outbox_seq;
    RETURN coalesce(pg_sequence_last_value('eventwright.outbox_seq'::regclass), before_first);
END
$$;

-- As before, see migration 4, with a bound that is no higher than what was given out.
CREATE OR REPLACE FUNCTION eventwright.open_window(durable boolean) RETURNS eventwright.windows
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    previous eventwright.windows;
    opened eventwright.windows;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'eventwright reads the log on the primary, and this server is a standby'
            USING ERRCODE = 'EW001', HINT = 'connect the subscriber to the primary';
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
    opened.opened_at := clock_timestamp();
    -- A time, in microseconds: what a crash took back is not given out again, and so means one thing to whoever remembers it.
    opened.id := greatest(previous.id + 1, (extract(epoch FROM opened.opened_at) * 1000000)::bigint);
    opened.durable := durable;
    opened.snapshot := pg_current_snapshot();
    opened.bound := eventwright.last_seq();
    IF opened.bound = previous.bound
       AND (NOT durable OR previous.durable AND EXISTS (
            SELECT FROM eventwright.cluster c WHERE c.life = previous.life AND eventwright.timeline() = previous.timeline))
       AND NOT EXISTS (
        -- a probe of outbox_xid for each transaction, by its order: as a join, or by equality where few transactions published most of a
        -- partition, it can become a scan of the log
        SELECT FROM eventwright.running(previous.snapshot, previous.fence) r
         CROSS JOIN LATERAL (SELECT FROM eventwright.outbox o
                              WHERE o.xid >= r.xid AND o.xid <= r.xid AND o.seq <= previous.bound
                              ORDER BY o.xid, o.seq LIMIT 1) o
         WHERE pg_visible_in_snapshot(r.xid, opened.snapshot)
           AND NOT pg_visible_in_snapshot(r.xid, previous.snapshot))
    THEN
        RETURN previous;
    END IF;
    PERFORM eventwright.assert_not_restored();
    SELECT life, eventwright.timeline() INTO STRICT opened.life, opened.timeline FROM eventwright.cluster;
    IF NOT durable THEN
        -- Positions live in this cluster and commit after the window did, so a crash that loses the window loses them, too.
        PERFORM set_config('synchronous_commit', 'off', true);
    ELSIF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'local', true);
    END IF;
    opened.fence := pg_current_xact_id();
    INSERT INTO eventwright.windows SELECT opened.*;
    RETURN opened;
END
$$;
