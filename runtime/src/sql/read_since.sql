-- As read.sql, where no straggler is left to come: the next events of a range that were published after a window's bound. No locks.
-- Plan: one scan of the primary key, from where the range stands, pruned to the partitions up to the other bound. CASE and ANY as there.
-- $1 seq passed already  $2 the second window's snapshot  $3 the last seq to look at  $4, $5 buckets  $6 event types  $7 how many
-- $8 to $12 as $11 to $15 of read.sql
SELECT seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
       correlation_id, causation_id, traceparent, payload::text AS payload, downcast_version, downcast_payload::text AS downcast_payload,
       bucket
  FROM eventwright.outbox
 WHERE seq > $1 AND seq <= ANY (ARRAY[$3])
   AND CASE WHEN bucket BETWEEN $4 AND $5 AND event_type = ANY ($6)
             AND pg_visible_in_snapshot(xid, $2::text::pg_snapshot) THEN true ELSE false END
   AND ($8::bigint IS NULL OR eventwright.assert_identity($8, $9, $10, $11, $12))
 ORDER BY seq
 LIMIT $7
