-- What operators need.

-- A running handler has rows of `held` locked, and whoever waits for it with an exclusive lock stops everybody behind him: so not
-- for long. `migrate` tries again.
SET LOCAL lock_timeout = '2s';

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
