-- Erases what groups hold back of a subject, at most $2 events, but for those that a handler has at this moment.
-- Locks these rows and waits for none. Plan: held_subject, for each group.
UPDATE eventwright.held h
   SET payload = eventwright.erased(), downcast_payload = CASE WHEN h.downcast_payload IS NOT NULL THEN eventwright.erased() END,
       last_error = CASE WHEN h.last_error IS NOT NULL THEN '<erased>' END
  FROM (SELECT e.group_name, e.seq
          FROM eventwright.held e
         WHERE e.group_name IN (SELECT name FROM eventwright.groups) AND e.subject = $1 AND NOT eventwright.is_erased(e.payload)
         LIMIT $2
           FOR UPDATE SKIP LOCKED) free
 WHERE h.group_name = free.group_name AND h.seq = free.seq
