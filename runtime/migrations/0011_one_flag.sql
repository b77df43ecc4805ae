-- Whether somebody sleeps is read by each publisher; now from one sequence in place of two. Tickets are in microseconds since 1970, and
-- `asleep` is a whole number of milliseconds where nobody sleeps. What publishers of the version before ask is as true as ever, whether
-- `asleep` is greater than `awake`; so is what `publish_due` asks. To them a ticket never expires.

-- Takes a ticket; see migration 3. For an hour at most: publishers notify for as long as it counts.
CREATE OR REPLACE FUNCTION eventwright.fall_asleep(good_for interval) RETURNS xid8
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ticket bigint;
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.asleep'::regclass::oid::bigint::bit(32)::int, 1);
    SELECT greatest(asleep.last_value + 1, awake.last_value + 1,
                    (extract(epoch FROM clock_timestamp() + least(good_for, interval '1 hour')) * 1000000)::bigint)
      INTO STRICT ticket FROM eventwright.asleep, eventwright.awake;
    PERFORM setval('eventwright.asleep', CASE WHEN ticket % 1000 = 0 THEN ticket + 1 ELSE ticket END);
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN pg_current_xact_id();
END
$$;

-- Answers all tickets up to this one; see migration 3. Not those that nobody took yet.
CREATE OR REPLACE FUNCTION eventwright.wake_up(ticket bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    taken bigint;
    answered bigint;
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.asleep'::regclass::oid::bigint::bit(32)::int, 1);
    SELECT last_value INTO STRICT taken FROM eventwright.asleep;
    answered := least(ticket, taken);
    IF answered > (SELECT last_value FROM eventwright.awake) THEN
        PERFORM set_config('synchronous_commit', 'off', true);
        IF answered = taken THEN
            answered := (taken + 999) / 1000 * 1000;
            PERFORM setval('eventwright.asleep', answered);
        END IF;
        PERFORM setval('eventwright.awake', answered);
    END IF;
END
$$;

-- From milliseconds to microseconds; whoever sleeps now is still to be called, also one who is just falling asleep by the function as it was:
-- it takes the next number. Last, since a sequence is not rolled back.
DO $$
DECLARE
    sleeps boolean;
    whole CONSTANT bigint := extract(epoch FROM clock_timestamp() + interval '10 minutes')::bigint * 1000000;
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.asleep'::regclass::oid::bigint::bit(32)::int, 1);
    SELECT asleep.last_value > awake.last_value INTO STRICT sleeps
      FROM eventwright.asleep, eventwright.awake WHERE asleep.last_value BETWEEN 1 AND whole - 1;
    IF sleeps THEN
        PERFORM setval('eventwright.asleep', whole + 1);
    ELSE
        PERFORM setval('eventwright.asleep', whole), setval('eventwright.awake', whole);
    END IF;
EXCEPTION WHEN no_data_found THEN
    -- nobody has slept yet, or it was done before
END
$$;
