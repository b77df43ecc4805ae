-- As scheduled.sql, what transactions have scheduled that were running when the erasure began. `publish_due` does the same with what it
-- moves into the log. No lock but on these rows. Plan: all that is scheduled.
UPDATE eventwright.scheduled s
   SET payload = eventwright.erased(), downcast_payload = CASE WHEN s.downcast_payload IS NOT NULL THEN eventwright.erased() END
  FROM eventwright.erasures e
 WHERE e.subject = $1 AND e.finished_at IS NULL AND s.subject = $1 AND s.xid < e.fence AND NOT eventwright.is_erased(s.payload)
