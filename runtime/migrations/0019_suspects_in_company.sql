-- What a chunk covered that was cut short ran one event at a time, each in a transaction of its own: after a crash of the server a group with
-- many ranges, which take turns at it, was at it for a minute. Now some run together, and alone only where these were cut short again.

-- The last of those that run alone.
ALTER TABLE eventwright.begun ADD COLUMN alone_until bigint NOT NULL DEFAULT 0;

-- Says that suspects are about to run, beginning with the event `first`; `few` is the last of those that may run together. Which events
-- are suspect stays as it is. Returns which attempt this is at `first`, which is to run alone; 0: up to `few` they run together, and
-- that is no attempt. Alone they run where such a company was begun before and cut short, and where it is all that is suspect.
-- As with `begin_chunk`, `again` is that whoever began it lives and says that it failed, and the commit is not waited for.
CREATE FUNCTION eventwright.begin_suspects(of_group text, lo smallint, first bigint, few bigint, again boolean) RETURNS integer
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off SET jit = off AS $$
DECLARE
    attempt integer;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    LOOP
        UPDATE eventwright.begun b
           SET first_seq = first, suspect = true, alone_until = s.alone_until,
               attempts = CASE WHEN first > s.alone_until THEN 0 WHEN s.is_cut_short THEN b.attempts + 1 ELSE 1 END,
               updates = b.updates + 1, generation = (b.updates + 1) / 64
          FROM (SELECT n.ctid AS place, n.first_seq = first AND NOT again AS is_cut_short,
                       CASE WHEN first <= n.alone_until THEN n.alone_until
                            WHEN few = first THEN few
                            WHEN n.suspect AND n.first_seq = first AND NOT again THEN few
                            WHEN NOT n.suspect AND n.until_seq <= few THEN few
                            ELSE 0 END AS alone_until
                  FROM eventwright.begun n
                 WHERE n.group_name = of_group AND n.bucket_lo = lo ORDER BY n.generation DESC LIMIT 1) s
         WHERE b.ctid = s.place
        RETURNING b.attempts INTO attempt;
        EXIT WHEN FOUND;
        -- else it was updated just now: another process has asked for the range
        IF NOT EXISTS (SELECT FROM eventwright.begun b WHERE b.group_name = of_group AND b.bucket_lo = lo) THEN
            RAISE EXCEPTION 'group % has no range that begins with bucket % any more', quote_literal(of_group), lo
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN attempt;
END
$$;

INSERT INTO eventwright.subscriber_functions (name, as_owner) VALUES ('begin_suspects', false);
