-- Retention: which partitions of the log may go, how far groups are behind, which windows are still needed.

-- What all processes have to agree on. One row.
CREATE TABLE eventwright.settings (
    one          boolean  PRIMARY KEY DEFAULT true CHECK (one),
    -- How long an event stays in the log at least.
    keep         interval NOT NULL DEFAULT '7 days' CHECK (keep >= interval '0'),
    -- A group that is further behind is warned of; null: never.
    warn_after   interval DEFAULT '1 day' CHECK (warn_after >= interval '0'),
    -- A group that is further behind is detached, so that it can't fill the disk; null: never.
    detach_after interval CHECK (detach_after >= interval '0'),
    -- When somebody last began to clear away what is old.
    cleared_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO eventwright.settings DEFAULT VALUES;

-- Whether five minutes are over since somebody began to clear away; if so, the caller is to do it, and nobody else for as long.
CREATE FUNCTION eventwright.may_clear_away() RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- first without a lock, and without a transaction id
    PERFORM FROM eventwright.settings WHERE cleared_at < clock_timestamp() - interval '5 minutes';
    IF FOUND THEN
        UPDATE eventwright.settings SET cleared_at = clock_timestamp() WHERE cleared_at < clock_timestamp() - interval '5 minutes';
    END IF;
    RETURN FOUND;
END
$$;

-- Partitions that nobody needs any more. A row is written before the partition is touched: from then on nobody may count on its
-- events, and whoever finds it half removed may remove it. It stays, to tell where the log begins.
CREATE TABLE eventwright.expired (
    -- The partition held the events with lower numbers.
    upper      bigint      PRIMARY KEY,
    partition  text        NOT NULL,
    -- Nobody with this xid or a later one published anything in it.
    fence      xid8        NOT NULL,
    -- By then all of its events were published.
    newest_at  timestamptz NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    dropped_at timestamptz
);
CREATE INDEX expired_here ON eventwright.expired (upper) WHERE dropped_at IS NULL;

-- The log's partitions, with the numbers from which (inclusive) and to which (exclusive) they hold events. `detaching`: DETACH
-- CONCURRENTLY was begun and not finished.
CREATE VIEW eventwright.partitions AS
SELECT c.relname::text AS name, m.bounds[1]::bigint AS lower, m.bounds[2]::bigint AS upper, i.inhdetachpending AS detaching
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
 CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?(-?\d+)''?\) TO \(''?(\d+)''?\)') AS m (bounds)
 WHERE i.inhparent = 'eventwright.outbox'::regclass AND m.bounds IS NOT NULL;

-- Where each range of each group stands, and each group of another database. A position says itself what its window is, where `kept_done`
-- is `done`: after a crash, another window may have the id of one that was lost. Those of other databases were waited for.
CREATE VIEW eventwright.stands AS
SELECT p.group_name, NULL::text AS home, g.detached_at,
       CASE WHEN p.kept_done = p.done THEN p.done_snapshot ELSE w.snapshot END AS snapshot,
       CASE WHEN p.kept_done = p.done THEN p.done_bound ELSE w.bound END AS bound,
       CASE WHEN p.current IS NOT NULL THEN p.after_seq END AS after_seq
  FROM eventwright.positions p
  JOIN eventwright.groups g ON g.name = p.group_name
  LEFT JOIN eventwright.windows w ON w.id = p.done
 WHERE g.log_system IS NULL
 UNION ALL
SELECT r.group_name, r.home, r.detached_at, w.snapshot, w.bound, NULL
  FROM eventwright.readers r
  LEFT JOIN eventwright.windows w ON w.id = r.completed;

-- Whom the log waits for: groups of this database (home: null) and of others, each with the window that all its ranges completed.
-- Windows are totally ordered by id, so the least `done` is it.
CREATE VIEW eventwright.holders AS
SELECT g.name AS group_name, NULL::text AS home, min(p.done) AS completed
  FROM eventwright.groups g
  JOIN eventwright.positions p ON p.group_name = g.name
 WHERE g.detached_at IS NULL AND g.log_system IS NULL
 GROUP BY g.name
 UNION ALL
SELECT r.group_name, r.home, r.completed
  FROM eventwright.readers r
 WHERE r.detached_at IS NULL;

-- What keeps each partition. It may go ('due') when its upper bound is at most bound(v) for a window v whose fence is at most the
-- xmin of a window w that all groups have completed. Why nobody misses anything then:
-- * Whoever has an xid from fence(v) on numbered its events after bound(v) was read (see open_window). So all events of the
--   partition are of transactions with xid < fence(v) <= xmin(w), and those were all over when w was opened: no event will come
--   to the partition any more, and w sees all that were committed. The groups have completed w, so they have handled those.
-- * A group's next window p is w or a later one. From p it reads the events above bound(p) >= bound(v), and the stragglers of
--   transactions that ran when p was opened. Their xids are at least xmin(p) >= xmin(w) >= fence(v), so they are above bound(v), too.
-- The first window v with a bound that is high enough has the lowest fence, so no other need be looked at. By the time at which it
-- was opened, all events of the partition were published: that is the partition's age.
-- A group that is just being made may stand at a window that no row names yet, so w is also at least a minute old. A group from
-- the beginning begins with what is left.
-- Where there is no group, nothing goes: a consumer that is deployed after its producer must find what was published. Where all
-- groups are detached, the age alone decides, and w is any window that is a minute old.
CREATE VIEW eventwright.retention AS
WITH holder AS MATERIALIZED (
    -- A window that is missing would be a defect of ours; then the group holds everything.
    SELECT group_name, home, coalesce(pg_snapshot_xmin(snapshot), '3'::xid8) AS horizon
      FROM eventwright.stands
     WHERE detached_at IS NULL
), everybody AS MATERIALIZED (
    SELECT horizon
      FROM (SELECT horizon FROM holder
             UNION ALL
            (SELECT pg_snapshot_xmin(snapshot) FROM eventwright.windows
              WHERE opened_at < clock_timestamp() - interval '1 minute' ORDER BY id DESC LIMIT 1)) all_of_them
     ORDER BY horizon
     LIMIT 1
)
SELECT p.name AS partition, p.lower, p.upper, v.fence, v.opened_at AS newest_at,
       CASE WHEN p.detaching OR EXISTS (SELECT FROM eventwright.expired e WHERE e.upper = p.upper AND e.dropped_at IS NULL)
            THEN 'dropping'
            WHEN v.id IS NULL THEN 'open'
            WHEN NOT EXISTS (SELECT FROM eventwright.groups g WHERE g.log_system IS NULL)
                 AND NOT EXISTS (SELECT FROM eventwright.readers)
            THEN 'unread'
            WHEN v.opened_at > clock_timestamp() - (SELECT keep FROM eventwright.settings) THEN 'young'
            WHEN v.fence > pg_snapshot_xmin(pg_current_snapshot()) THEN 'transaction'
            WHEN EXISTS (SELECT FROM holder h WHERE h.horizon < v.fence) THEN 'group'
            WHEN v.fence > (SELECT horizon FROM everybody) THEN 'settling'
            ELSE 'due' END AS state,
       v.opened_at + (SELECT keep FROM eventwright.settings) AS kept_until,
       ARRAY(SELECT DISTINCT coalesce(h.home || '/', '') || h.group_name FROM holder h WHERE h.horizon < v.fence ORDER BY 1) AS held_by
  FROM eventwright.partitions p
  LEFT JOIN LATERAL (SELECT w.id, w.fence, w.opened_at FROM eventwright.windows w WHERE w.bound >= p.upper ORDER BY w.id LIMIT 1) v ON true;

-- Decides which partitions go, the oldest first and without a gap, and returns how many are to be removed. Alone in its read
-- committed transaction: whoever attaches a group waits for this row lock, too, and each of the two sees what the other did.
CREATE FUNCTION eventwright.expire_partitions() RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM eventwright.settings FOR UPDATE;
    INSERT INTO eventwright.expired (upper, partition, fence, newest_at)
    SELECT r.upper, r.partition, r.fence, r.newest_at
      FROM eventwright.retention r
     WHERE r.state = 'due'
       AND NOT EXISTS (SELECT FROM eventwright.retention k WHERE k.upper < r.upper AND k.state NOT IN ('due', 'dropping'))
        ON CONFLICT DO NOTHING;
    RETURN (SELECT count(*) FROM eventwright.expired WHERE dropped_at IS NULL);
END
$$;

-- Removes a partition that was detached, and notes it. Locks that table alone.
CREATE FUNCTION eventwright.drop_detached(of_upper bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    gone text;
BEGIN
    UPDATE eventwright.expired SET dropped_at = clock_timestamp()
     WHERE upper = of_upper AND dropped_at IS NULL
       AND NOT EXISTS (SELECT FROM eventwright.partitions p WHERE p.name = partition)
    RETURNING partition INTO gone;
    IF gone IS NOT NULL THEN
        EXECUTE format('DROP TABLE IF EXISTS eventwright.%I', gone);
    END IF;
END
$$;

-- What the log no longer has of what comes after a window: the numbers, and when the last of those events were published. No row:
-- nothing is missing, and a group can go on from there.
CREATE FUNCTION eventwright.missing(
    of_snapshot pg_snapshot, of_bound bigint, OUT after_seq bigint, OUT before_seq bigint, OUT published_before timestamptz
) RETURNS SETOF record
LANGUAGE sql STABLE AS $$
    SELECT coalesce(of_bound, 0), x.upper, x.newest_at
      FROM eventwright.expired x
     WHERE x.fence > coalesce(pg_snapshot_xmin(of_snapshot), '3'::xid8)
     ORDER BY x.upper DESC
     LIMIT 1
$$;

-- Has the log wait for a detached group again (of_home: of another database, as in `readers`). Where events are gone that the
-- group has not handled, only if `accept_gap`: it then goes on with what is left, and handles nothing twice.
CREATE FUNCTION eventwright.attach_group(of_group text, of_home text DEFAULT NULL, accept_gap boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    gap record;
BEGIN
    -- takes turns with expire_partitions
    PERFORM FROM eventwright.settings FOR SHARE;
    SELECT m.* INTO gap
      FROM eventwright.stands s
     CROSS JOIN LATERAL eventwright.missing(s.snapshot, s.bound) m
     WHERE s.group_name = of_group AND s.home IS NOT DISTINCT FROM of_home
     ORDER BY m.after_seq
     LIMIT 1;
    IF FOUND AND NOT accept_gap THEN
        RAISE EXCEPTION 'the log no longer has the events that group % was to handle next: numbers % to %, published before %',
            of_group, gap.after_seq + 1, gap.before_seq - 1, gap.published_before
            USING ERRCODE = 'EW003',
                  HINT = 'attach the group with the gap accepted, and it goes on with number ' || gap.before_seq || '; or make a new group';
    END IF;
    IF of_home IS NULL THEN
        UPDATE eventwright.groups SET detached_at = NULL WHERE name = of_group;
    ELSE
        UPDATE eventwright.readers SET detached_at = NULL WHERE home = of_home AND group_name = of_group;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no group %', coalesce(of_home || '/', '') || of_group USING ERRCODE = 'no_data_found';
    END IF;
END
$$;

-- How far each group of this log is behind. `events` counts numbers, so rolled back ones and other types, too: it is never too
-- low, but for events of transactions that ran long. `behind` is the age of the first event that is not passed; zero where there is none.
-- `oldest_held` is when the first event was published that is held back and not dead (not known of groups in other databases).
-- Cost: two index probes for each group.
CREATE FUNCTION eventwright.lag() RETURNS TABLE (
    group_name text, home text, events bigint, behind interval, oldest_held timestamptz, detached_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH stand AS (
        SELECT s.group_name, s.home, s.detached_at, min(greatest(s.bound, s.after_seq, 0)) AS seq
          FROM eventwright.stands s
         GROUP BY s.group_name, s.home, s.detached_at
    )
    SELECT s.group_name, s.home, greatest(q.last_value - (NOT q.is_called)::int - s.seq, 0),
           coalesce(clock_timestamp() - (SELECT o.published_at FROM eventwright.outbox o WHERE o.seq > s.seq ORDER BY o.seq LIMIT 1),
                    interval '0'),
           (SELECT h.published_at FROM eventwright.held h
             WHERE s.home IS NULL AND h.group_name = s.group_name AND h.reason <> 'dead' ORDER BY h.seq LIMIT 1),
           s.detached_at
      FROM stand s
     CROSS JOIN eventwright.outbox_seq q
$$;

-- Detaches the groups that are further behind than `settings.detach_after` says, and returns them. They keep their positions.
-- Whoever reads for a group must look at detached_at after it read and before it commits: it is set before anything is dropped.
CREATE FUNCTION eventwright.detach_laggards() RETURNS TABLE (group_name text, home text, behind interval)
LANGUAGE sql VOLATILE AS $$
    WITH late AS MATERIALIZED (
        SELECT l.* FROM eventwright.lag() l CROSS JOIN eventwright.settings s
         WHERE l.detached_at IS NULL AND l.behind > s.detach_after
    ), here AS (
        UPDATE eventwright.groups g SET detached_at = clock_timestamp()
          FROM late WHERE late.home IS NULL AND g.name = late.group_name AND g.detached_at IS NULL
        RETURNING late.group_name, late.home, late.behind
    ), elsewhere AS (
        UPDATE eventwright.readers r SET detached_at = clock_timestamp()
          FROM late WHERE r.home = late.home AND r.group_name = late.group_name AND r.detached_at IS NULL
        RETURNING late.group_name, late.home, late.behind
    )
    SELECT * FROM here UNION ALL SELECT * FROM elsewhere
$$;

-- Forgets at most so many windows that nobody needs, and returns how many. Kept are the first and the last, those that groups refer
-- to, of each timeline the last, and for each partition the first that has its bound, by which retention goes; so as many as there are positions and partitions.
-- And those that were the last at any time since five minutes before the oldest running transaction began: a transaction may have
-- claimed a range to read on to one of them, and not have committed yet, or a group that is just being made may begin there. (The newest
-- window whose fence all running transactions have passed was opened before any of them took its xid. A window is the last one until
-- its successor is opened.) Whoever moves a position to a window that no row names yet must therefore have found it to be the last
-- one less than five minutes ago, or with its transaction's xid taken.
-- And those that were opened when a group of another database was last heard of, which says how far it is every five minutes: by the
-- newest window that it has read to it knows its log again.
-- Locks only what it deletes, and passes over what somebody else deletes.
CREATE FUNCTION eventwright.forget_windows(at_most integer DEFAULT 10000) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    edge timestamptz;
    forgotten integer;
BEGIN
    SELECT opened_at - interval '5 minutes' INTO STRICT edge
      FROM eventwright.windows WHERE fence <= pg_snapshot_xmin(pg_current_snapshot()) ORDER BY id DESC LIMIT 1;
    WITH used AS MATERIALIZED (
        SELECT 0::bigint AS id
         UNION SELECT done FROM eventwright.positions
         UNION SELECT current FROM eventwright.positions
         UNION SELECT stop_at FROM eventwright.positions
         UNION SELECT until_window FROM eventwright.groups
         UNION SELECT completed FROM eventwright.readers
         UNION SELECT max(id) FROM eventwright.windows GROUP BY life, timeline
         UNION SELECT (SELECT w.id FROM eventwright.windows w WHERE w.bound >= p.upper ORDER BY w.id LIMIT 1) FROM eventwright.partitions p
    ), useless AS (
        SELECT w.id
          FROM (SELECT id, opened_at, lead(opened_at) OVER (ORDER BY id) AS last_until FROM eventwright.windows) w
         WHERE w.last_until < edge AND NOT EXISTS (SELECT FROM used u WHERE u.id = w.id)
           AND NOT EXISTS (SELECT FROM eventwright.readers r
                            WHERE r.detached_at IS NULL AND w.last_until >= r.seen_at AND w.opened_at < r.seen_at + interval '6 minutes')
         LIMIT at_most
    ), free AS (
        SELECT id FROM eventwright.windows WHERE id IN (SELECT id FROM useless) FOR UPDATE SKIP LOCKED
    )
    DELETE FROM eventwright.windows w USING free WHERE w.id = free.id;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;
