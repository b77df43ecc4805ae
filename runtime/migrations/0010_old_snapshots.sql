-- Rows that are updated for ever, while somebody keeps an old snapshot: none of their versions can be removed, and whoever looks for a
-- row by its key looks at all of them. So each row says in which generation it is, which changes every 64 updates; an index has the
-- newest generation of each row first, by which they are looked for. Between generations updates stay within a page, as ever. The version
-- before does not count its updates, and finds its rows as it did.
ALTER TABLE eventwright.positions
    ADD COLUMN updates    bigint NOT NULL DEFAULT 0,
    ADD COLUMN generation bigint NOT NULL GENERATED ALWAYS AS (updates / 64) STORED;
CREATE INDEX positions_newest ON eventwright.positions (group_name, bucket_lo, generation DESC);
ALTER TABLE eventwright.begun
    ADD COLUMN updates    bigint NOT NULL DEFAULT 0,
    ADD COLUMN generation bigint NOT NULL GENERATED ALWAYS AS (updates / 64) STORED;
CREATE INDEX begun_newest ON eventwright.begun (group_name, bucket_lo, generation DESC);

-- In these functions sequential scans and sorts are off: the index is to be gone along that has the newest generations first, and the
-- planner takes the key for the better one, or, of a small table, all of it; and plans are kept that were made while a table was small.
-- For the same reason a row that was found is asked for by its place alone. Each looks for it itself: a function for that would take as
-- long again.

-- Claims a range for this transaction, and says where it stands; no row: another worker has it, or had it a moment ago, or it is no
-- more. Then what else there is to know, with a snapshot that is younger than the claim: whether the group is paused, whether it holds
-- events back at all (whoever had the range before has committed), the chunk that was begun last, and whether somebody with fewer
-- ranges asks for this one. Locks one row of positions. NO KEY UPDATE, so that `begun`, which refers to it, can be written by another
-- connection. No join to windows: the row that is locked may be newer than the statement's snapshot, and what would be joined to it
-- would not be.
CREATE OR REPLACE FUNCTION eventwright.claim(of_group text, lo smallint) RETURNS TABLE (
    bucket_hi smallint, after_seq bigint, done bigint, current bigint, stop_at bigint,
    kept_done bigint, done_snapshot text, done_bound bigint, done_fence text,
    kept_current bigint, current_snapshot text, current_bound bigint, current_fence text,
    paused boolean, holding boolean, first_seq bigint, until_seq bigint, suspect boolean, wanted_with integer)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    p eventwright.positions;
BEGIN
    SELECT * INTO p FROM eventwright.positions q
     WHERE q.ctid = (SELECT n.ctid FROM eventwright.positions n
                      WHERE n.group_name = of_group AND n.bucket_lo = lo ORDER BY n.generation DESC LIMIT 1)
       FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT p.bucket_hi, p.after_seq, p.done, p.current, p.stop_at,
               p.kept_done, p.done_snapshot::text, p.done_bound, p.done_fence::text,
               p.kept_current, p.current_snapshot::text, p.current_bound, p.current_fence::text,
               g.paused_at IS NOT NULL OR g.detached_at IS NOT NULL,
               EXISTS (SELECT FROM eventwright.held h WHERE h.group_name = of_group),
               coalesce(b.first_seq, 0), coalesce(b.until_seq, 0), coalesce(b.suspect, false),
               CASE WHEN b.wanted_until > clock_timestamp() THEN b.wanted_with END
          FROM eventwright.groups g
          LEFT JOIN eventwright.begun b
            ON b.ctid = (SELECT n.ctid FROM eventwright.begun n
                          WHERE n.group_name = of_group AND n.bucket_lo = lo ORDER BY n.generation DESC LIMIT 1)
         WHERE g.name = of_group;
END
$$;

-- What a group has to do up to the newest window, for those who handle these kinds, `type/version`: no row, if there is no such group.
-- `meeting`: ranges wait for each other, to be joined. `due_in`: see the function. The arrays are the ranges that are behind, each with
-- where it stands and, where the position says so, what that window is; they are null if there are none; then all ranges.
-- No locks. Goes from range to range, and at each to its newest generation.
CREATE OR REPLACE FUNCTION eventwright.look(of_group text, newest bigint, kinds text[]) RETURNS TABLE (
    paused boolean, detached boolean, event_types text[], meeting boolean,
    due_in double precision, lows smallint[], highs smallint[], done bigint[], current bigint[], stop_at bigint[], kept_done bigint[],
    done_snapshot text[], done_bound bigint[], done_fence text[], ranges_from smallint[], ranges_to smallint[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE ranges AS (
        (SELECT * FROM eventwright.positions WHERE group_name = of_group ORDER BY bucket_lo, generation DESC LIMIT 1)
         UNION ALL
        SELECT next.*
          FROM ranges r
         CROSS JOIN LATERAL (
                SELECT * FROM eventwright.positions p WHERE p.group_name = of_group AND p.bucket_lo > r.bucket_lo
                 ORDER BY p.bucket_lo, p.generation DESC LIMIT 1) next
    )
    SELECT g.paused_at IS NOT NULL, g.detached_at IS NOT NULL, g.event_types, p.meeting, eventwright.due_in(of_group, kinds),
           p.lows, p.highs, p.done, p.current, p.stop_at, p.kept_done, p.done_snapshot, p.done_bound, p.done_fence,
           p.ranges_from, p.ranges_to
      FROM eventwright.groups g
     CROSS JOIN LATERAL (
            SELECT array_agg(r.bucket_lo) FILTER (WHERE behind) AS lows, array_agg(r.bucket_hi) FILTER (WHERE behind) AS highs,
                   array_agg(r.done) FILTER (WHERE behind) AS done, array_agg(r.current) FILTER (WHERE behind) AS current,
                   array_agg(r.stop_at) FILTER (WHERE behind) AS stop_at, array_agg(r.kept_done) FILTER (WHERE behind) AS kept_done,
                   array_agg(r.done_snapshot::text) FILTER (WHERE behind) AS done_snapshot,
                   array_agg(r.done_bound) FILTER (WHERE behind) AS done_bound,
                   array_agg(r.done_fence::text) FILTER (WHERE behind) AS done_fence,
                   coalesce(array_agg(r.bucket_lo), '{}') AS ranges_from, coalesce(array_agg(r.bucket_hi), '{}') AS ranges_to,
                   coalesce(bool_or(r.stop_at IS DISTINCT FROM g.until_window), false) AS meeting
              FROM ranges r CROSS JOIN LATERAL (SELECT r.current IS NOT NULL OR r.done < least(newest, r.stop_at) AS behind) b) p
     WHERE g.name = of_group;
END
$$;

-- Says, outside of the handlers' transaction and after it claimed the range, what is about to run. A chunk that begins where the last
-- one began, and that nobody reported as failed (`again`), was cut short with its process: everything up to its end is then suspect
-- and runs alone. It outlives the process, not the server, which takes the chunk with it: so its commit is not waited for.
CREATE FUNCTION eventwright.begin_chunk(of_group text, lo smallint, first bigint, until bigint, again boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    LOOP
        UPDATE eventwright.begun b
           SET first_seq = first,
               until_seq = CASE WHEN (b.first_seq = first AND NOT again) OR (b.suspect AND first <= b.until_seq) THEN b.until_seq ELSE until END,
               suspect   = (b.first_seq = first AND NOT again) OR (b.suspect AND first <= b.until_seq),
               attempts  = CASE WHEN b.first_seq = first AND NOT again THEN b.attempts ELSE 0 END,
               updates   = b.updates + 1
         WHERE b.ctid = (SELECT n.ctid FROM eventwright.begun n
                          WHERE n.group_name = of_group AND n.bucket_lo = lo ORDER BY n.generation DESC LIMIT 1);
        EXIT WHEN FOUND;
        INSERT INTO eventwright.begun (group_name, bucket_lo, first_seq, until_seq) VALUES (of_group, lo, first, until)
            ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        -- another process has asked for the range just now
    END LOOP;
END
$$;

-- Moves a range on: to `new_after` within its window, or past it where `new_current` is null; what the two windows are is said with them.
-- Locks the row that `claim` locked. For a group whose log is in another database it also remembers which events it was given, should
-- the log go back in time. Returns whether it was moved: not where the group was detached, for what was read after that may have a gap
-- where the log has dropped its events; nor where it has gone on with another log meanwhile than the one that was read.
CREATE FUNCTION eventwright.advance(
    of_group text, lo smallint, new_done bigint, new_current bigint, new_after bigint, new_done_snapshot text, new_done_bound bigint,
    new_done_fence text, new_current_snapshot text, new_current_bound bigint, new_current_fence text,
    given uuid[], of_system bigint, of_database text, of_timeline integer, of_started bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off AS $$
BEGIN
    IF of_system IS NOT NULL AND given <> '{}' THEN
        INSERT INTO eventwright.handled (group_name, until, event_ids) VALUES (of_group, coalesce(new_current, new_done), given);
    END IF;
    UPDATE eventwright.positions p
       SET done = new_done, current = new_current, after_seq = new_after,
           kept_done = new_done, done_snapshot = new_done_snapshot::pg_snapshot, done_bound = new_done_bound,
           done_fence = new_done_fence::xid8,
           kept_current = new_current, current_snapshot = new_current_snapshot::pg_snapshot, current_bound = new_current_bound,
           current_fence = new_current_fence::xid8,
           updates = p.updates + 1
     WHERE p.ctid = (SELECT n.ctid FROM eventwright.positions n
                      WHERE n.group_name = of_group AND n.bucket_lo = lo ORDER BY n.generation DESC LIMIT 1)
       AND EXISTS (SELECT FROM eventwright.groups g
                    WHERE g.name = of_group AND g.detached_at IS NULL
                      AND (of_system IS NULL
                           OR (g.log_system, g.log_database, g.log_timeline, g.log_started) = (of_system, of_database, of_timeline, of_started)));
    RETURN FOUND;
END
$$;

-- Moves ranges on in which there was nothing from window `old_done` to window `new_done`; passes over those that somebody has, or has
-- moved. Locks their rows of positions. Its commit need not be waited for: a range that is moved back has nothing to do again.
-- The log's identity, where it is elsewhere, must be the group's still.
CREATE FUNCTION eventwright.pass_over(
    of_group text, lows smallint[], highs smallint[], old_done bigint, new_done bigint, new_done_snapshot text, new_done_bound bigint,
    new_done_fence text, of_system bigint, of_database text, of_timeline integer, of_started bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    free tid[];
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    free := ARRAY(
        SELECT p.place
          FROM unnest(lows, highs) AS empty (lo, hi)
         CROSS JOIN LATERAL (
                SELECT q.ctid AS place FROM eventwright.positions q
                 WHERE q.ctid = (SELECT n.ctid FROM eventwright.positions n
                                  WHERE n.group_name = of_group AND n.bucket_lo = empty.lo ORDER BY n.generation DESC LIMIT 1)
                   AND q.bucket_hi = empty.hi AND q.done = old_done AND q.current IS NULL AND q.stop_at IS NULL
                   FOR NO KEY UPDATE SKIP LOCKED) p
         WHERE EXISTS (SELECT FROM eventwright.groups g
                        WHERE g.name = of_group AND g.detached_at IS NULL
                          AND (of_system IS NULL
                               OR (g.log_system, g.log_database, g.log_timeline, g.log_started)
                                  = (of_system, of_database, of_timeline, of_started))));
    UPDATE eventwright.positions p
       SET done = new_done, after_seq = 0, kept_done = new_done, done_snapshot = new_done_snapshot::pg_snapshot,
           done_bound = new_done_bound, done_fence = new_done_fence::xid8, updates = p.updates + 1
     WHERE p.ctid = ANY (free) AND p.done = old_done AND p.current IS NULL;
END
$$;

INSERT INTO eventwright.subscriber_functions (name, as_owner) VALUES ('begin_chunk', false), ('advance', false), ('pass_over', false);
