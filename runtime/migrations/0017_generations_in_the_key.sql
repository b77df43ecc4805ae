-- An update that leaves its page looked for its key in all versions of the row, to see that it is there but once: while somebody keeps
-- an old snapshot they are ever more. So the generation is a part of the key, of positions and of what their ranges have begun. No
-- generated column any more: what identifies a row to a replica must be published. That a range is there but once is seen to by who makes
-- ranges: who makes the group (one can), and `set_ranges`, which has it locked.
ALTER TABLE eventwright.begun DROP CONSTRAINT begun_group_name_bucket_lo_fkey, DROP CONSTRAINT begun_pkey;
ALTER TABLE eventwright.positions DROP CONSTRAINT positions_pkey;
ALTER TABLE eventwright.positions ALTER COLUMN generation DROP EXPRESSION;
ALTER TABLE eventwright.positions ALTER COLUMN generation SET DEFAULT 0, ADD PRIMARY KEY (group_name, bucket_lo, generation);
ALTER TABLE eventwright.begun ALTER COLUMN generation DROP EXPRESSION;
ALTER TABLE eventwright.begun ALTER COLUMN generation SET DEFAULT 0, ADD PRIMARY KEY (group_name, bucket_lo, generation);
-- the key has the newest generation of a range last, and nobody goes from range to range here
DROP INDEX eventwright.begun_newest;

-- What a range has begun comes and goes with it, so a range has one row there: who says what it is about to run finds it.
CREATE FUNCTION eventwright.begin_range() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- there already where a dump is restored
    INSERT INTO eventwright.begun (group_name, bucket_lo, first_seq, until_seq)
    SELECT NEW.group_name, NEW.bucket_lo, 0, 0
     WHERE NOT EXISTS (SELECT FROM eventwright.begun b WHERE b.group_name = NEW.group_name AND b.bucket_lo = NEW.bucket_lo);
    RETURN NULL;
END
$$;
CREATE FUNCTION eventwright.end_range() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM eventwright.begun b WHERE b.group_name = OLD.group_name AND b.bucket_lo = OLD.bucket_lo;
    RETURN NULL;
END
$$;
INSERT INTO eventwright.begun (group_name, bucket_lo, first_seq, until_seq)
SELECT p.group_name, p.bucket_lo, 0, 0 FROM eventwright.positions p
 WHERE NOT EXISTS (SELECT FROM eventwright.begun b WHERE b.group_name = p.group_name AND b.bucket_lo = p.bucket_lo);
CREATE TRIGGER begin_range AFTER INSERT ON eventwright.positions FOR EACH ROW EXECUTE FUNCTION eventwright.begin_range();
CREATE TRIGGER end_range AFTER DELETE ON eventwright.positions FOR EACH ROW EXECUTE FUNCTION eventwright.end_range();

-- As before, with the generation.
CREATE OR REPLACE FUNCTION eventwright.begin_chunk(of_group text, lo smallint, first bigint, until bigint, again boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off SET jit = off AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    LOOP
        UPDATE eventwright.begun b
           SET first_seq = first,
               until_seq = CASE WHEN (b.first_seq = first AND NOT again) OR (b.suspect AND first <= b.until_seq) THEN b.until_seq ELSE until END,
               suspect   = (b.first_seq = first AND NOT again) OR (b.suspect AND first <= b.until_seq),
               attempts  = CASE WHEN b.first_seq = first AND NOT again THEN b.attempts ELSE 0 END,
               updates   = b.updates + 1, generation = (b.updates + 1) / 64
         WHERE b.ctid = (SELECT n.ctid FROM eventwright.begun n
                          WHERE n.group_name = of_group AND n.bucket_lo = lo ORDER BY n.generation DESC LIMIT 1);
        EXIT WHEN FOUND;
        -- else it was updated just now: another process has asked for the range
        IF NOT EXISTS (SELECT FROM eventwright.begun b WHERE b.group_name = of_group AND b.bucket_lo = lo) THEN
            RAISE EXCEPTION 'group % has no range that begins with bucket % any more', quote_literal(of_group), lo
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
END
$$;

-- As before, with the generation.
CREATE OR REPLACE FUNCTION eventwright.advance(
    of_group text, lo smallint, new_done bigint, new_current bigint, new_after bigint, new_done_snapshot text, new_done_bound bigint,
    new_done_fence text, new_current_snapshot text, new_current_bound bigint, new_current_fence text,
    given uuid[], of_system bigint, of_database text, of_timeline integer, of_started bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off SET jit = off AS $$
DECLARE
    target bigint := coalesce(new_current, new_done);
BEGIN
    IF of_system IS NOT NULL AND given <> '{}' THEN
        INSERT INTO eventwright.handled (group_name, until, event_ids) VALUES (of_group, target, given);
    END IF;
    UPDATE eventwright.positions p
       SET done = new_done, current = new_current, after_seq = new_after,
           kept_done = new_done, done_snapshot = new_done_snapshot::pg_snapshot, done_bound = new_done_bound,
           done_fence = new_done_fence::xid8,
           kept_current = new_current, current_snapshot = new_current_snapshot::pg_snapshot, current_bound = new_current_bound,
           current_fence = new_current_fence::xid8,
           updates = p.updates + 1, generation = (p.updates + 1) / 64
     WHERE p.ctid = (SELECT n.ctid FROM eventwright.positions n
                      WHERE n.group_name = of_group AND n.bucket_lo = lo ORDER BY n.generation DESC LIMIT 1)
       AND EXISTS (SELECT FROM eventwright.groups g
                    WHERE g.name = of_group AND g.detached_at IS NULL
                      AND (of_system IS NULL
                           OR (g.log_system, g.log_database, g.log_timeline, g.log_started) = (of_system, of_database, of_timeline, of_started)))
       -- one that the range or its group has in mind may be forgotten
       AND (of_system IS NOT NULL OR target IN (p.done, p.current, p.stop_at)
            OR eventwright.has_window(target, coalesce(new_current_bound, new_done_bound),
                                      coalesce(new_current_fence, new_done_fence)::xid8));
    RETURN FOUND;
END
$$;

-- As before, with the generation.
CREATE OR REPLACE FUNCTION eventwright.pass_over(
    of_group text, lows smallint[], highs smallint[], old_done bigint, new_done bigint, new_done_snapshot text, new_done_bound bigint,
    new_done_fence text, of_system bigint, of_database text, of_timeline integer, of_started bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off SET jit = off AS $$
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
                                  = (of_system, of_database, of_timeline, of_started)))
           AND (of_system IS NOT NULL OR eventwright.has_window(new_done, new_done_bound, new_done_fence::xid8)));
    UPDATE eventwright.positions p
       SET done = new_done, after_seq = 0, kept_done = new_done, done_snapshot = new_done_snapshot::pg_snapshot,
           done_bound = new_done_bound, done_fence = new_done_fence::xid8, updates = p.updates + 1, generation = (p.updates + 1) / 64
     WHERE p.ctid = ANY (free) AND p.done = old_done AND p.current IS NULL;
END
$$;
