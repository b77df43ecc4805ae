-- The log as a whole. No locks. Plan: all rows of windows, which are some thousands, to count them.
SELECT s.last_value - (NOT s.is_called)::int AS last_seq,
       (SELECT count(*) FROM eventwright.partitions) AS partitions,
       (SELECT max(p.upper) FROM eventwright.partitions p) - s.last_value - 1 AS room,
       (SELECT count(*) FROM eventwright.windows) AS windows,
       (SELECT w.opened_at
          FROM eventwright.windows w
         WHERE w.id = (SELECT min(h.completed) FROM eventwright.holders h)
           AND w.id < (SELECT max(newest.id) FROM eventwright.windows newest)) AS oldest_window_at
  FROM eventwright.outbox_seq s
