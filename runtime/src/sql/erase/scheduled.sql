-- Erases what is to be published later of a subject. Locks these rows, and waits for who is just moving one into the log.
-- Plan: all that is scheduled, for it has no index on subjects.
UPDATE eventwright.scheduled
   SET payload = eventwright.erased(), downcast_payload = CASE WHEN downcast_payload IS NOT NULL THEN eventwright.erased() END
 WHERE subject = $1 AND NOT eventwright.is_erased(payload)
