-- Of what may come again, and of the pages that a group was given, all was looked through each time that what is old of it was to be forgotten:
-- the first had no index for it, and no index serves a comparison with a clock that goes on.
CREATE INDEX repeats_by_age ON eventwright.repeats (noted_at);

-- As before. Plans: handled_at and repeats_by_age, where the planner knows nothing of the tables yet, too.
CREATE OR REPLACE FUNCTION eventwright.forget_handled(of_group text, at_most integer DEFAULT 10000) RETURNS integer
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
    forgotten integer;
    last bigint;
    old_before timestamptz := clock_timestamp() - (SELECT s.remember FROM eventwright.settings s);
    noted_before timestamptz := clock_timestamp() - interval '30 days';
BEGIN
    -- first, as who rebases it does
    PERFORM FROM eventwright.groups g WHERE g.name = of_group FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    WITH old AS MATERIALIZED (
        SELECT h.ctid AS row_id FROM eventwright.handled h
         WHERE h.group_name = of_group AND h.handled_at < old_before
         ORDER BY h.handled_at
         LIMIT at_most
           FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM eventwright.handled h USING old WHERE h.ctid = old.row_id RETURNING h.until
    )
    SELECT count(*), max(gone.until) INTO STRICT forgotten, last FROM gone;
    UPDATE eventwright.groups g SET remembers_after = last WHERE g.name = of_group AND g.remembers_after < last;
    -- of all groups, or the planner might go through what the group has
    DELETE FROM eventwright.repeats r WHERE r.noted_at < noted_before;
    RETURN forgotten;
END
$$;
