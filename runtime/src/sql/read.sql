-- The next events of a range between two windows, in the order of seq: first the stragglers, which published up to the first
-- window's bound and committed after it, then those published since. No locks. What the first window's snapshot sees lies all
-- below its bound (open_window takes them in this order), so only the second's snapshot is asked.
-- Plan: two index scans, outbox_xid for the stragglers and the primary key for the rest, pruned to the partitions between the
-- bounds. UNION ALL of two materialized parts, never OR: that walks the whole primary key. A transaction's own rows are found as those from
-- its xid to its xid, in the order of outbox_xid, which no other index has: where few transactions published most of a partition, an
-- equality would be taken for something that any scan comes upon soon.
-- Of the newest partition there are often no statistics, or old ones. By those the planner may expect next to nothing between the bounds, or
-- of these types, and read and sort all that lies there for each page, in place of going along the primary key until there is enough.
-- Hence CASE, half of which it takes for true, and ANY, a bound that does not make a range with the other.
-- $1, $2, $3 the first window's snapshot, bound and fence  $4, $5 the second's snapshot and the last seq to look at
-- $6 seq passed already  $7, $8 buckets  $9 event types  $10 how many
-- $11 to $15 the log's identity, and the group as the log knows it, where positions are kept elsewhere: a filter that is evaluated once, before anything is read
WITH stragglers AS MATERIALIZED (
    SELECT o.*
      FROM eventwright.running($1::text::pg_snapshot, $3::text::xid8) r
     CROSS JOIN LATERAL (
        SELECT *
          FROM eventwright.outbox
         WHERE xid >= r.xid AND xid <= r.xid AND seq > $6 AND seq <= $2
           AND CASE WHEN bucket BETWEEN $7 AND $8 AND event_type = ANY ($9)
                     AND pg_visible_in_snapshot(xid, $4::text::pg_snapshot) THEN true ELSE false END
         ORDER BY xid, seq
         LIMIT $10) o
     WHERE $6 < $2
     ORDER BY o.seq
     LIMIT $10
), since AS MATERIALIZED (
    SELECT *
      FROM eventwright.outbox
     WHERE seq > greatest($2, $6) AND seq <= ANY (ARRAY[$5])
       AND CASE WHEN bucket BETWEEN $7 AND $8 AND event_type = ANY ($9)
                 AND pg_visible_in_snapshot(xid, $4::text::pg_snapshot) THEN true ELSE false END
     ORDER BY seq
     LIMIT $10
)
SELECT seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
       correlation_id, causation_id, traceparent, payload::text AS payload, downcast_version, downcast_payload::text AS downcast_payload,
       bucket
  FROM (SELECT * FROM stragglers UNION ALL SELECT * FROM since) e
 WHERE $11::bigint IS NULL OR eventwright.assert_identity($11, $12, $13, $14, $15)
 ORDER BY seq
 LIMIT $10
