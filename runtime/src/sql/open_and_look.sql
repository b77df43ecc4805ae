-- `open` and `look` in one, where the log is in the group's own database. What `look` sees is a moment newer than the window.
-- $1 xid, as in open.sql  $2 group  $3 kinds that this process handles
SELECT w.id, w.snapshot::text, w.bound, w.fence::text,
       coalesce(pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8, false) AS settled,
       eventwright.next_due() AS scheduled_in, l.*
  FROM eventwright.open_window(false) w
 CROSS JOIN LATERAL eventwright.look($2, w.id, $3) l
