-- Going on after a restore or a failover.
--
-- A window speaks of transaction ids and numbers of the log. Both live in the cluster's files and its write-ahead log, so they come
-- through a crash, a failover, a restore of the whole cluster, a copy and pg_upgrade. Two things go wrong:
-- * A dump that is restored in another cluster brings the log's ids where others have them. `rebase` gives the rows others, so that
--   each window sees again what it saw; the windows and the positions of the groups beside the log are in the same dump, and right.
-- * The log goes back in time, below groups in other databases: what they have read may be gone, and its ids and numbers given out
--   again. Where the newest window that the group knows is in the log, the log has not gone back below the group (see `has_window`). Else
--   the group goes back to a window that the log has, and knows by their ids the events that it was given since (`handled`, and then
--   `repeats`).

ALTER TABLE eventwright.settings
    -- How far another database's log may go back without events being given to its groups again.
    ADD COLUMN remember interval NOT NULL DEFAULT '1 hour' CHECK (remember >= interval '0');

ALTER TABLE eventwright.groups
    -- For a group elsewhere: all that it was given up to later windows than this one, it remembers.
    ADD COLUMN remembers_after bigint NOT NULL DEFAULT 0;
UPDATE eventwright.groups g
   SET remembers_after = (SELECT max(greatest(p.done, p.current)) FROM eventwright.positions p WHERE p.group_name = g.name)
 WHERE g.log_system IS NOT NULL;

-- The events that a group elsewhere was given lately, a row for each page.
CREATE TABLE eventwright.handled (
    group_name text        NOT NULL REFERENCES eventwright.groups (name) ON DELETE CASCADE,
    -- The window up to which the page reads.
    until      bigint      NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event_ids  uuid[]      NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05);   -- 256 ids are 4 kB, and stay in their row
CREATE INDEX handled_at ON eventwright.handled (group_name, handled_at);

-- The events that a group was given before its log went back in time, and that are to be passed over should they come again. What
-- the log has lost never comes.
CREATE TABLE eventwright.repeats (
    group_name text        NOT NULL REFERENCES eventwright.groups (name) ON DELETE CASCADE,
    event_id   uuid        NOT NULL,
    noted_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (group_name, event_id)
);

-- Forgets at most so many pages that were handled longer ago than `settings.remember`, and what may come again for a month at most (a
-- prepared transaction may be that old). Returns how many pages. Locks what it deletes, and the group's row. Plan: handled_at.
CREATE FUNCTION eventwright.forget_handled(of_group text, at_most integer DEFAULT 10000) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    forgotten integer;
    last bigint;
BEGIN
    -- first, as who rebases it does
    PERFORM FROM eventwright.groups g WHERE g.name = of_group FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    WITH old AS MATERIALIZED (
        SELECT h.ctid AS row_id FROM eventwright.handled h
         WHERE h.group_name = of_group AND h.handled_at < clock_timestamp() - (SELECT s.remember FROM eventwright.settings s)
         ORDER BY h.handled_at
         LIMIT at_most
           FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM eventwright.handled h USING old WHERE h.ctid = old.row_id RETURNING h.until
    )
    SELECT count(*), max(gone.until) INTO STRICT forgotten, last FROM gone;
    UPDATE eventwright.groups g SET remembers_after = last WHERE g.name = of_group AND g.remembers_after < last;
    DELETE FROM eventwright.repeats r WHERE r.group_name = of_group AND r.noted_at < clock_timestamp() - interval '30 days';
    RETURN forgotten;
END
$$;

-- Whether the log has a window that a group knows, which is asked where the log's server was started anew, or another one took its place.
-- Then it has all that was committed before the window was opened, and gives out none of the transaction ids and numbers again that the
-- window speaks of. For a commit is in the write-ahead log before any snapshot sees it, a number before it is given out, windows are
-- opened one after the other, and what a server has of the write-ahead log it has from the beginning on. That also holds of the
-- windows that the group knew before this one. No locks. Plan: the primary key.
CREATE FUNCTION eventwright.has_window(of_id bigint, of_bound bigint, of_fence xid8) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM eventwright.windows WHERE id = of_id AND bound = of_bound AND fence = of_fence AND former_id IS NULL)
$$;

-- The windows that are needed: those at which groups beside the log stand, or end, and of groups elsewhere as far as the log has them;
-- the last one, and those by which partitions know their age. What a window is that a position knows itself, it knows best.
CREATE FUNCTION eventwright.windows_stood_at() RETURNS TABLE (id bigint, snapshot pg_snapshot, bound bigint)
LANGUAGE sql STABLE AS $$
    WITH local AS (
        SELECT p.* FROM eventwright.positions p JOIN eventwright.groups g ON g.name = p.group_name WHERE g.log_system IS NULL
    ), kept AS (
        SELECT kept_done AS id, done_snapshot AS snapshot, done_bound AS bound FROM local WHERE kept_done = done
         UNION ALL
        SELECT kept_current, current_snapshot, current_bound FROM local WHERE kept_current = current
    ), used AS (
        SELECT done AS id FROM local
         UNION SELECT current FROM local
         UNION SELECT stop_at FROM local
         UNION SELECT g.until_window FROM eventwright.groups g WHERE g.log_system IS NULL
    ), wanted AS (
        SELECT u.id, true AS by_position FROM used u
         UNION SELECT r.completed, false FROM eventwright.readers r
         UNION SELECT max(w.id), false FROM eventwright.windows w
         UNION SELECT (SELECT w.id FROM eventwright.windows w WHERE w.bound >= p.upper ORDER BY w.id LIMIT 1), false
                 FROM eventwright.partitions p
    )
    SELECT DISTINCT ON (n.id) n.id, coalesce(k.snapshot, w.snapshot), coalesce(k.bound, w.bound)
      FROM wanted n
      LEFT JOIN kept k ON k.id = n.id
      LEFT JOIN eventwright.windows w ON w.id = n.id
     WHERE n.id > 0 AND (n.by_position OR w.id IS NOT NULL)
     ORDER BY n.id
$$;

-- Makes the log right that was restored from a dump, for the groups of this database; returns whether it was, and to how many events
-- transaction ids were given. Does nothing where it was not. Alone in a read committed transaction, as the owner.
--
-- Windows are totally ordered, and each sees all that the one before sees. So for each row there is a first window, among the k that
-- somebody stands at, that sees it; and instead of its transaction's id the row gets the number of that window, counted up from a
-- `base`; those that none sees get base + k. Window i then sees what is below base + i. Nobody has such an id any more: all are lower
-- than those of the transactions that are running here, and of all that follow. Everything that reads by windows is right again: stragglers
-- (the fence is base + k for all), half read windows, what replays end with.
-- Publishers may have gone on already, in ids of this cluster: the numbers of their events are above all bounds, so no old window sees them.
--
-- Where all ids in the log are lower than those that are running here (after pg_upgrade; a dump restored where it came from), they
-- mean the same as before, and stay.
--
-- Locks: openers of windows, changes of groups, handlers' transactions, and publishers, in the order in which handlers take them;
-- until its end. Cost: writes each row of the log anew, once.
CREATE FUNCTION eventwright.rebase(OUT restored boolean, OUT renumbered bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    running bigint;     -- the lowest id of the transactions that run
    highest bigint;     -- the highest id in the log
    base bigint;
    k integer;
    ids bigint[];
    snapshots pg_snapshot[];
    bounds bigint[];
    first_bound bigint;
    first_xmin xid8;
    first_id bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'eventwright.rebase needs a read committed transaction';
    END IF;
    renumbered := 0;
    PERFORM pg_advisory_xact_lock('eventwright.windows'::regclass::oid::bigint::bit(32)::int, 1);
    restored := eventwright.is_restored();
    IF NOT restored THEN
        RETURN;
    END IF;
    LOCK TABLE eventwright.groups IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE eventwright.positions IN EXCLUSIVE MODE;
    LOCK TABLE eventwright.outbox IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE eventwright.windows, eventwright.readers, eventwright.expired, eventwright.erasures, eventwright.cluster
            IN SHARE ROW EXCLUSIVE MODE;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'local', true);   -- groups elsewhere may go on from its windows
    END IF;
    running := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    SELECT greatest(
        (SELECT o.xid::text::bigint FROM eventwright.outbox o ORDER BY o.xid DESC LIMIT 1),
        (SELECT max(w.fence::text::bigint) FROM eventwright.windows w),
        (SELECT max(greatest(p.done_fence::text::bigint, p.current_fence::text::bigint))
           FROM eventwright.positions p JOIN eventwright.groups g ON g.name = p.group_name WHERE g.log_system IS NULL),
        (SELECT max(e.fence::text::bigint) FROM eventwright.erasures e WHERE e.finished_at IS NULL))
      INTO STRICT highest;
    IF highest >= running THEN
        SELECT coalesce(array_agg(w.id ORDER BY w.id), '{}'), coalesce(array_agg(w.snapshot ORDER BY w.id), '{}'),
               coalesce(array_agg(w.bound ORDER BY w.id), '{}')
          INTO STRICT ids, snapshots, bounds
          FROM eventwright.windows_stood_at() w;
        IF array_position(snapshots, NULL) IS NOT NULL THEN
            RAISE EXCEPTION 'window % is not in the log, and a group stands at it', ids[array_position(snapshots, NULL)]
                USING HINT = 'delete the group of this window (see eventwright.positions), and make a new one that starts at a time before';
        END IF;
        k := cardinality(ids);
        base := running - k - 1;
        IF base < 3 THEN
            RAISE EXCEPTION 'this server has given out % transaction ids, and % are needed', running, k + 4
                USING HINT = format('have it give out %s more: SELECT pg_current_xact_id(), so many times', 3 - base);
        END IF;
        first_bound := coalesce(bounds[1], 0);
        first_xmin := coalesce(pg_snapshot_xmin(snapshots[1]), '0'::xid8);
        UPDATE eventwright.outbox o
           SET xid = (base + CASE WHEN o.seq <= first_bound AND o.xid < first_xmin THEN 0 ELSE (
                    SELECT count(*) FROM unnest(snapshots, bounds) AS w (snapshot, bound)
                     WHERE o.seq > w.bound OR NOT pg_visible_in_snapshot(o.xid, w.snapshot)) END)::text::xid8
         -- what all of them see may have any lower id
         WHERE NOT (o.seq <= first_bound AND o.xid < first_xmin AND o.xid <= base::text::xid8);
        GET DIAGNOSTICS renumbered = ROW_COUNT;
        UPDATE eventwright.expired x
           SET fence = (base + 1 + (SELECT count(*) FROM unnest(snapshots) s WHERE pg_snapshot_xmin(s) < x.fence))::text::xid8;
        UPDATE eventwright.erasures e
           SET after_seq = 0, snapshot = pg_current_snapshot(), fence = pg_current_xact_id()
         WHERE e.finished_at IS NULL;
        -- other ids than before: nobody who remembers a window as it was is to take it for one of these
        SELECT greatest(max(w.id), max(l.id), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) INTO STRICT first_id
          FROM eventwright.windows w, unnest(ids || 0::bigint) AS l (id);
        UPDATE eventwright.windows w
           SET id = first_id + n.i, former_id = w.id, snapshot = format('%s:%s:', base + n.i, base + n.i)::pg_snapshot,
               fence = (base + k + 1)::text::xid8, durable = true,
               life = (SELECT c.life FROM eventwright.cluster c WHERE c.life = w.life)
          FROM unnest(ids) WITH ORDINALITY AS n (id, i)
         WHERE w.id = n.id;
        INSERT INTO eventwright.windows (id, former_id, snapshot, bound, fence, opened_at, durable)
        SELECT first_id + n.i, n.id, format('%s:%s:', base + n.i, base + n.i)::pg_snapshot, n.bound, (base + k + 1)::text::xid8,
               clock_timestamp(), true
          FROM unnest(ids, bounds) WITH ORDINALITY AS n (id, bound, i)
            ON CONFLICT DO NOTHING;
        DELETE FROM eventwright.windows w WHERE w.id > 0 AND w.id <= first_id;
        UPDATE eventwright.positions p
           SET done = w.id, kept_done = w.id, done_snapshot = w.snapshot, done_bound = w.bound, done_fence = w.fence
          FROM eventwright.windows w, eventwright.groups g
         WHERE w.id > first_id AND w.former_id = p.done AND g.name = p.group_name AND g.log_system IS NULL;
        UPDATE eventwright.positions p
           SET current = w.id, kept_current = w.id, current_snapshot = w.snapshot, current_bound = w.bound, current_fence = w.fence
          FROM eventwright.windows w, eventwright.groups g
         WHERE w.id > first_id AND w.former_id = p.current AND g.name = p.group_name AND g.log_system IS NULL;
        UPDATE eventwright.positions p SET stop_at = w.id
          FROM eventwright.windows w, eventwright.groups g
         WHERE w.id > first_id AND w.former_id = p.stop_at AND g.name = p.group_name AND g.log_system IS NULL;
        UPDATE eventwright.groups g SET until_window = w.id
          FROM eventwright.windows w
         WHERE w.id > first_id AND w.former_id = g.until_window AND g.log_system IS NULL;
        UPDATE eventwright.readers r SET completed = w.id
          FROM eventwright.windows w
         WHERE w.id > first_id AND w.former_id = r.completed;
    END IF;
    UPDATE eventwright.cluster
       SET system_identifier = (SELECT c.system_identifier FROM pg_control_system() c),
           outbox = 'eventwright.outbox'::regclass,
           -- sixty random bits
           life = ('x0' || left(replace(gen_random_uuid()::text, '-', ''), 15))::bit(64)::bigint;
END
$$;

-- It is for the owner alone, as are all functions that subscribers don't need, once there are roles.
REVOKE EXECUTE ON FUNCTION eventwright.rebase() FROM PUBLIC;

INSERT INTO eventwright.subscriber_functions (name, as_owner) VALUES ('forget_handled', true), ('has_window', false);
