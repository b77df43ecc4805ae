-- Groups that are run by many processes, of several deploys, and beside another database than the log's.

ALTER TABLE eventwright.groups
    -- All event types that the group handles. A worker that does not know one of them holds its events for a newer deploy.
    ADD COLUMN event_types  text[]      NOT NULL DEFAULT '{}',
    -- Whether later events of a subject wait behind one that failed.
    ADD COLUMN keeps_order  boolean     NOT NULL DEFAULT true,
    -- Into how many ranges it is to be split; null: as it was made.
    ADD COLUMN ranges       integer     CHECK (ranges BETWEEN 1 AND 1024),
    -- The last window and number that the group reads; null: it follows the log.
    ADD COLUMN until_window bigint,
    ADD COLUMN until_seq    bigint,
    -- Whether its effect handlers run; else their events are passed over.
    ADD COLUMN effects      boolean     NOT NULL DEFAULT true,
    -- Nobody takes anything of the group while it is paused. A detached one keeps its position, and the log no longer waits for it.
    ADD COLUMN paused_at    timestamptz,
    ADD COLUMN detached_at  timestamptz,
    -- Whose log it reads; null: this database's. See `identity`.
    ADD COLUMN log_system   bigint,
    ADD COLUMN log_database text,
    ADD COLUMN log_timeline integer,
    ADD COLUMN log_started  bigint,
    ADD CHECK ((log_system IS NULL) = (log_database IS NULL) AND (log_system IS NULL) = (log_timeline IS NULL));

ALTER TABLE eventwright.positions
    -- A range that is to be joined with its neighbour goes no further than this window, where they meet.
    ADD COLUMN stop_at          bigint,
    -- What windows `done` and `current` are; true of the windows `kept_done` and `kept_current` alone, since the version before moves
    -- a position and says nothing of it. A window itself may be lost in a crash, or be in another database.
    ADD COLUMN kept_done        bigint,
    ADD COLUMN done_snapshot    pg_snapshot,
    ADD COLUMN done_bound       bigint,
    ADD COLUMN done_fence       xid8,
    ADD COLUMN kept_current     bigint,
    ADD COLUMN current_snapshot pg_snapshot,
    ADD COLUMN current_bound    bigint,
    ADD COLUMN current_fence    xid8;

ALTER TABLE eventwright.held
    -- Whether it runs together with others, so that it may not be the one that takes the process down.
    ADD COLUMN in_company boolean NOT NULL DEFAULT false;
-- Room for heap-only updates: a row is leased before it is let go.
ALTER TABLE eventwright.held SET (fillfactor = 80);

ALTER TABLE eventwright.begun
    -- Until when a worker that has this many ranges of the group asks for this one, too.
    ADD COLUMN wanted_until timestamptz,
    ADD COLUMN wanted_with  integer;

-- At the log: how far groups have come that live in other databases.
CREATE TABLE eventwright.readers (
    -- `system_identifier/database` of the group's own tables
    home        text        NOT NULL,
    group_name  text        NOT NULL,
    -- The window up to which all ranges of the group are done.
    completed   bigint      NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    detached_at timestamptz,
    PRIMARY KEY (home, group_name)
);

-- Whose transaction ids stand in the log and the windows. Restored from a dump, the log's table has another oid, or is in another
-- cluster, where they mean nothing; see migration 9.
CREATE TABLE eventwright.cluster (
    one               boolean PRIMARY KEY DEFAULT true CHECK (one),
    system_identifier bigint  NOT NULL,
    outbox            oid     NOT NULL,
    -- Which log it is, for groups elsewhere: the cluster in which it was made, and another number after each restore from a dump.
    life              bigint  NOT NULL
);
INSERT INTO eventwright.cluster (system_identifier, outbox, life)
SELECT system_identifier, 'eventwright.outbox'::regclass, system_identifier FROM pg_control_system();

-- Whether the tables were restored from a dump and not rebased since. No locks.
CREATE FUNCTION eventwright.is_restored() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (c.system_identifier, c.outbox) IS DISTINCT FROM (s.system_identifier, 'eventwright.outbox'::regclass::oid)
      FROM pg_control_system() s LEFT JOIN eventwright.cluster c ON true
$$;

-- Refuses tables that were restored from a dump.
CREATE FUNCTION eventwright.assert_not_restored() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF eventwright.is_restored() THEN
        RAISE EXCEPTION 'database % was restored from a dump, and the transaction ids in its log are those of where the dump was taken',
            current_database()
            USING ERRCODE = 'EW005', HINT = 'run `eventwright rebase`';
    END IF;
    RETURN true;
END
$$;

-- The server's history: a promoted standby, or a server restored to an earlier point in time, goes on with a new timeline. By the
-- first eight hexadecimal digits of a WAL file's name, since the control file knows it only from the next checkpoint on.
CREATE FUNCTION eventwright.timeline() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
$$;

-- Whose log this is, and in which of its lives; and when its server was started, in microseconds, since it may be on other files from
-- then on. Refuses standbys, which have no log of their own, and what was restored from a dump.
CREATE FUNCTION eventwright.identity(OUT system bigint, OUT database text, OUT timeline integer, OUT started bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'eventwright reads the log on the primary, and this server is a standby'
            USING ERRCODE = 'EW001', HINT = 'connect the subscriber to the primary';
    END IF;
    PERFORM eventwright.assert_not_restored();
    SELECT life INTO STRICT system FROM eventwright.cluster;
    database := current_database();
    timeline := eventwright.timeline();
    started := extract(epoch FROM pg_postmaster_start_time()) * 1000000;
END
$$;

-- Stops a statement that reads, or would go on reading, another log than the one that it takes this for, or one that does not wait
-- for its group (null: not known yet) and may have dropped what it has not read. With the snapshot of the statement, so what
-- was detached later is still there to be read.
CREATE FUNCTION eventwright.assert_identity(
    of_system bigint, of_database text, of_timeline integer, of_home text, of_group text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    here record;
BEGIN
    SELECT * INTO STRICT here FROM eventwright.identity();
    IF (here.system, here.database, here.timeline) IS DISTINCT FROM (of_system, of_database, of_timeline) THEN
        RAISE EXCEPTION 'group % has read %/% on timeline %, and this is %/% on timeline %', of_group,
            of_system, of_database, of_timeline, here.system, here.database, here.timeline
            USING ERRCODE = 'EW002', HINT = 'the log was restored or has failed over: see `eventwright rebase --help`';
    END IF;
    IF EXISTS (SELECT FROM eventwright.readers WHERE home = of_home AND group_name = of_group AND detached_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the log no longer waits for group % of %, and may have dropped what it has not read', of_group, of_home
            USING ERRCODE = 'EW004', HINT = 'see `eventwright groups --help`';
    END IF;
    RETURN true;
END
$$;

ALTER TABLE eventwright.windows
    -- Whether its commit was waited for, so that no crash takes it back.
    ADD COLUMN durable   boolean NOT NULL DEFAULT false,
    -- In which life of the log it was opened, and on which timeline: see `identity`. Null: by the version before.
    ADD COLUMN life      bigint,
    ADD COLUMN timeline  integer,
    -- What its id was in the life before, if that was another one.
    ADD COLUMN former_id bigint;

-- Opens a window and returns it, or the last one where nothing was published since.
-- Alone in its own read committed transaction on the primary. The order of its statements is the proof that nothing is lost:
-- first the snapshot, then the bound (so whatever the snapshot sees has seq <= bound), then the fence (so whoever has a later
-- xid has seq > bound). Openers take turns by an advisory lock on the windows table's oid; publishers never wait.
-- `durable`: for positions in another cluster, which a crash of this one does not take back. A window that was lost there would
-- be opened again with the same fence, and what was published between the two would fall between the scans. They get a window of
-- each timeline, also where nothing was published on it: to which they can go back should the log lose what comes after it.
CREATE FUNCTION eventwright.open_window(durable boolean) RETURNS eventwright.windows
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
    -- a sequence that was never called shows the value that it will give next
    SELECT last_value - (NOT is_called)::int INTO STRICT opened.bound FROM eventwright.outbox_seq;
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

-- As the version before calls it.
CREATE OR REPLACE FUNCTION eventwright.open_window() RETURNS bigint
LANGUAGE sql VOLATILE AS $$ SELECT (eventwright.open_window(false)).id $$;

-- Lets the first held event of each of these subjects run, where it was behind another.
-- Called last in a transaction that held events back or let them go. The locks make those take turns who do so for one subject;
-- without them, one who adds an event behind a head and one who takes the head away would not see each other, and the event
-- would wait for ever.
-- Its plans are kept by the session, and made while the table may be empty: then a scan of it would be the cheapest, for ever. The
-- heads are found first, for as a join they can be looked for once for each event that is held; and BETWEEN leaves the planner but one
-- index that is in this order.
CREATE OR REPLACE FUNCTION eventwright.release(of_group text, subjects text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    keeps boolean;
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.held'::regclass::oid::bigint::bit(32)::int, key)
       FROM (SELECT DISTINCT hashtext(of_group || '/' || s) AS key FROM unnest(subjects) s ORDER BY 1) keys;
    SELECT keeps_order INTO keeps FROM eventwright.groups WHERE name = of_group;
    UPDATE eventwright.held h
       SET reason = 'ready', due_at = clock_timestamp()
     WHERE h.group_name = of_group AND h.reason = 'behind'
       AND h.seq = ANY (ARRAY(
            SELECT head.seq
              FROM unnest(subjects) s
             CROSS JOIN LATERAL (SELECT e.seq FROM eventwright.held e
                                  WHERE e.group_name = of_group AND e.subject BETWEEN s AND s
                                    AND (keeps OR e.reason NOT IN ('failed', 'snoozed', 'dead'))
                                  ORDER BY e.subject, e.seq LIMIT 1) head));
END
$$;

-- Forgets held events that were handled. By the primary key, whatever the planner takes the table for.
CREATE FUNCTION eventwright.let_go(of_group text, seqs bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM eventwright.held WHERE group_name = of_group AND seq = ANY (seqs);
END
$$;

-- The buckets in this many ranges of nearly equal size, both ends included.
CREATE FUNCTION eventwright.edges(ranges integer) RETURNS TABLE (lo smallint, hi smallint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (n * 1024 / ranges)::smallint, ((n + 1) * 1024 / ranges - 1)::smallint FROM generate_series(0, ranges - 1) n
$$;

-- Splits and joins a group's ranges until there are so many. Splitting is done at once: both halves keep the position. Those to be
-- joined first have to stand at the same window: `stop_at` lets none go past the one that the first of them is reading to, and the
-- last to come there joins them, by `meet`. Waits for the transactions that have the ranges.
CREATE FUNCTION eventwright.set_ranges(of_group text, wanted integer) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF wanted NOT BETWEEN 1 AND 1024 THEN
        RAISE EXCEPTION 'a group has 1 to 1024 ranges, not %', wanted;
    END IF;
    UPDATE eventwright.groups SET ranges = wanted WHERE name = of_group;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no group %', quote_literal(of_group);
    END IF;
    PERFORM FROM eventwright.positions WHERE group_name = of_group ORDER BY bucket_lo FOR UPDATE;
    INSERT INTO eventwright.positions
           (group_name, bucket_lo, bucket_hi, done, current, after_seq, stop_at, kept_done, done_snapshot, done_bound, done_fence,
            kept_current, current_snapshot, current_bound, current_fence)
    SELECT p.group_name, e.lo, p.bucket_hi, p.done, p.current, p.after_seq, p.stop_at, p.kept_done, p.done_snapshot, p.done_bound,
           p.done_fence, p.kept_current, p.current_snapshot, p.current_bound, p.current_fence
      FROM eventwright.positions p
      JOIN eventwright.edges(wanted) e ON e.lo > p.bucket_lo AND e.lo <= p.bucket_hi
     WHERE p.group_name = of_group;
    UPDATE eventwright.positions p
       SET bucket_hi = coalesce((SELECT min(q.bucket_lo) - 1 FROM eventwright.positions q
                                  WHERE q.group_name = of_group AND q.bucket_lo > p.bucket_lo), 1023)
     WHERE p.group_name = of_group;
    UPDATE eventwright.positions
       SET stop_at = (SELECT max(greatest(done, current)) FROM eventwright.positions WHERE group_name = of_group)
     WHERE group_name = of_group;
    PERFORM eventwright.meet(of_group);
END
$$;

-- Joins the ranges of a group that wait for it, once all of them have come to the same window and nobody has any of them.
-- Returns whether there is nothing left to join.
CREATE FUNCTION eventwright.meet(of_group text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    of eventwright.groups;
    free integer;
BEGIN
    SELECT * INTO of FROM eventwright.groups WHERE name = of_group FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;   -- somebody else is at it
    END IF;
    IF EXISTS (SELECT FROM eventwright.positions p
                WHERE group_name = of_group AND bucket_lo NOT IN (SELECT lo FROM eventwright.edges(of.ranges))) THEN
        SELECT count(*) INTO free FROM (
            SELECT FROM eventwright.positions
             WHERE group_name = of_group AND current IS NULL AND done = stop_at FOR UPDATE SKIP LOCKED) p;
        IF free < (SELECT count(*) FROM eventwright.positions WHERE group_name = of_group) THEN
            RETURN false;
        END IF;
        DELETE FROM eventwright.positions
         WHERE group_name = of_group AND bucket_lo NOT IN (SELECT lo FROM eventwright.edges(of.ranges));
        UPDATE eventwright.positions p SET bucket_hi = e.hi
          FROM eventwright.edges(of.ranges) e WHERE p.group_name = of_group AND p.bucket_lo = e.lo;
    END IF;
    UPDATE eventwright.positions SET stop_at = of.until_window
     WHERE group_name = of_group AND stop_at IS DISTINCT FROM of.until_window;
    RETURN true;
END
$$;

-- Claims a range for this transaction, and says where it stands; no row: another worker has it, or it is no more. Then what else
-- there is to know, with a snapshot that is younger than the claim: whether the group is paused, whether it holds events back at all
-- (whoever had the range before has committed), the chunk that was begun last, and whether somebody with fewer ranges asks for this
-- one. Locks one row of positions. NO KEY UPDATE, so that `begun`, which refers to it, can be written by another connection. No join
-- to windows: the row that is locked may be newer than the statement's snapshot, and what would be joined to it would not be.
CREATE FUNCTION eventwright.claim(of_group text, lo smallint) RETURNS TABLE (
    bucket_hi smallint, after_seq bigint, done bigint, current bigint, stop_at bigint,
    kept_done bigint, done_snapshot text, done_bound bigint, done_fence text,
    kept_current bigint, current_snapshot text, current_bound bigint, current_fence text,
    paused boolean, holding boolean, first_seq bigint, until_seq bigint, suspect boolean, wanted_with integer)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    p eventwright.positions;
BEGIN
    SELECT * INTO p FROM eventwright.positions q WHERE q.group_name = of_group AND q.bucket_lo = lo FOR NO KEY UPDATE SKIP LOCKED;
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
          LEFT JOIN eventwright.begun b ON b.group_name = of_group AND b.bucket_lo = lo
         WHERE g.name = of_group;
END
$$;

-- Seconds until a group's next held event may run that is of one of these kinds, as `type/version`; null: there is none.
-- No locks. Plan: the partial index held_due, in three steps, so that many events that wait are not all looked at: one that may run
-- now; those that are due and that somebody has; the next one that will be due.
CREATE FUNCTION eventwright.due_in(of_group text, kinds text[]) RETURNS double precision
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    now timestamptz := clock_timestamp();
    leased_until timestamptz;
    due_at timestamptz;
BEGIN
    PERFORM FROM eventwright.held h
      WHERE h.group_name = of_group AND h.reason NOT IN ('behind', 'dead') AND h.due_at <= now
        AND (h.leased_until IS NULL OR h.leased_until <= now)
        AND (h.event_type || '/' || h.schema_version = ANY (kinds) OR h.event_type || '/' || h.downcast_version = ANY (kinds))
      ORDER BY h.due_at LIMIT 1;
    IF FOUND THEN
        RETURN 0;
    END IF;
    SELECT min(h.leased_until) INTO leased_until FROM eventwright.held h
     WHERE h.group_name = of_group AND h.reason NOT IN ('behind', 'dead') AND h.due_at <= now
       AND (h.event_type || '/' || h.schema_version = ANY (kinds) OR h.event_type || '/' || h.downcast_version = ANY (kinds));
    SELECT h.due_at INTO due_at FROM eventwright.held h
     WHERE h.group_name = of_group AND h.reason NOT IN ('behind', 'dead') AND h.due_at > now
       AND (h.event_type || '/' || h.schema_version = ANY (kinds) OR h.event_type || '/' || h.downcast_version = ANY (kinds))
     ORDER BY h.due_at LIMIT 1;
    RETURN extract(epoch FROM least(leased_until, due_at) - now)::double precision;
END
$$;

-- What a group has to do: the ranges that are not at window `newest` yet, and seconds until the next held event is due that is of
-- one of these kinds (see `due_in`); and all its ranges. No locks. Plan: the group's positions.
CREATE FUNCTION eventwright.look(of_group text, newest bigint, kinds text[]) RETURNS TABLE (
    paused boolean, detached boolean, event_types text[], meeting boolean,
    due_in double precision, lows smallint[], highs smallint[], done bigint[], current bigint[], stop_at bigint[], kept_done bigint[],
    done_snapshot text[], done_bound bigint[], done_fence text[], ranges_from smallint[], ranges_to smallint[])
LANGUAGE sql STABLE AS $$
    SELECT g.paused_at IS NOT NULL, g.detached_at IS NOT NULL, g.event_types,
           EXISTS (SELECT FROM eventwright.positions m WHERE m.group_name = of_group AND m.stop_at IS DISTINCT FROM g.until_window),
           eventwright.due_in(of_group, kinds),
           p.lows, p.highs, p.done, p.current, p.stop_at, p.kept_done, p.done_snapshot, p.done_bound, p.done_fence,
           ARRAY(SELECT bucket_lo FROM eventwright.positions WHERE group_name = of_group ORDER BY bucket_lo),
           ARRAY(SELECT bucket_hi FROM eventwright.positions WHERE group_name = of_group ORDER BY bucket_lo)
      FROM eventwright.groups g
     CROSS JOIN LATERAL (
            SELECT array_agg(r.bucket_lo) AS lows, array_agg(r.bucket_hi) AS highs, array_agg(r.done) AS done,
                   array_agg(r.current) AS current, array_agg(r.stop_at) AS stop_at, array_agg(r.kept_done) AS kept_done,
                   array_agg(r.done_snapshot::text) AS done_snapshot, array_agg(r.done_bound) AS done_bound,
                   array_agg(r.done_fence::text) AS done_fence
              FROM eventwright.positions r
             WHERE r.group_name = of_group AND (r.current IS NOT NULL OR r.done < least(newest, r.stop_at))) p
     WHERE g.name = of_group
$$;
