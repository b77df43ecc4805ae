-- An event in a part of the log. No locks. There is no index on event ids: every publisher would pay for it, and what fills it
-- comes in no order. Plan: the primary key from $2 to $3, so the cost is what lies in between.
SELECT o.seq, o.xid::text AS xid, o.bucket, o.event_type, o.schema_version, o.subject, o.published_at,
       coalesce((SELECT pg_visible_in_snapshot(o.xid, w.snapshot) FROM eventwright.windows w ORDER BY w.id DESC LIMIT 1), false) AS in_a_window
  FROM eventwright.outbox o
 WHERE o.seq > $2 AND o.seq <= $3 AND o.event_id = $1
