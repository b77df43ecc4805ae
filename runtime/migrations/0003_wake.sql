-- Waking a sleeping subscriber. NOTIFY takes a lock that serialises all committing publishers, so a publisher notifies only
-- where a subscriber has said that it sleeps. It says so in a sequence, whose last value is seen at once by everybody, also
-- by a transaction with an old snapshot.

-- The last ticket that a sleeper took: also the time, in milliseconds since 1970, until which it counts, so that a subscriber
-- that died in its sleep does not make publishers notify for ever.
CREATE SEQUENCE eventwright.asleep MINVALUE 0 START 0;
-- The last ticket that was answered.
CREATE SEQUENCE eventwright.awake MINVALUE 0 START 0;

-- Takes a ticket, good for the given time, and returns an xid: whoever has it or a later one has seen the ticket.
CREATE FUNCTION eventwright.fall_asleep(good_for interval) RETURNS xid8
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.asleep'::regclass::oid::bigint::bit(32)::int, 1);
    PERFORM setval('eventwright.asleep', greatest(
        (SELECT last_value + 1 FROM eventwright.asleep),
        (SELECT last_value + 1 FROM eventwright.awake),
        (extract(epoch FROM clock_timestamp() + good_for) * 1000)::bigint));
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN pg_current_xact_id();
END
$$;

-- Answers all tickets up to this one: its notification has reached everybody who listened.
CREATE FUNCTION eventwright.wake_up(ticket bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.asleep'::regclass::oid::bigint::bit(32)::int, 1);
    IF ticket > (SELECT last_value FROM eventwright.awake) THEN
        PERFORM set_config('synchronous_commit', 'off', true);
        PERFORM setval('eventwright.awake', ticket);
    END IF;
END
$$;
