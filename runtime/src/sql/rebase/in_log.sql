-- Which of these events the log still has, under these numbers. No locks. Plan: the primary key.
SELECT e.id AS event_id
  FROM unnest($1::bigint[], $2::uuid[]) AS e (seq, id)
  JOIN eventwright.outbox o ON o.seq = e.seq AND o.event_id = e.id
