-- A crash takes back windows of the group's own database, whose commit nobody waits for, and with them transaction ids and numbers of events
-- that are then given out again. A worker that has such a window in mind still, and gets at its range after the crash, would take the events
-- that have those for events that it has read. So a range is only moved to a window that is there. What the window sees was committed
-- before it was, and is there, too. (Windows of another database are durable, and may be forgotten there.)

-- As before; returns false also where the window to which the range reads was taken back.
CREATE OR REPLACE FUNCTION eventwright.advance(
    of_group text, lo smallint, new_done bigint, new_current bigint, new_after bigint, new_done_snapshot text, new_done_bound bigint,
    new_done_fence text, new_current_snapshot text, new_current_bound bigint, new_current_fence text,
    given uuid[], of_system bigint, of_database text, of_timeline integer, of_started bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_sort = off AS $$
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
           updates = p.updates + 1
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

-- As before, to a window that is there.
CREATE OR REPLACE FUNCTION eventwright.pass_over(
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
                                  = (of_system, of_database, of_timeline, of_started)))
           AND (of_system IS NOT NULL OR eventwright.has_window(new_done, new_done_bound, new_done_fence::xid8)));
    UPDATE eventwright.positions p
       SET done = new_done, after_seq = 0, kept_done = new_done, done_snapshot = new_done_snapshot::pg_snapshot,
           done_bound = new_done_bound, done_fence = new_done_fence::xid8, updates = p.updates + 1
     WHERE p.ctid = ANY (free) AND p.done = old_done AND p.current IS NULL;
END
$$;
