-- As held.sql, for one event that a handler has, if it is still there when the handler is done with it. Waits while it has nothing else
-- locked: a handler's transaction may be about to lock other events of the subject.
UPDATE eventwright.held h
   SET payload = eventwright.erased(), downcast_payload = CASE WHEN h.downcast_payload IS NOT NULL THEN eventwright.erased() END,
       last_error = CASE WHEN h.last_error IS NOT NULL THEN '<erased>' END
 WHERE h.group_name = $1 AND h.seq = $2 AND NOT eventwright.is_erased(h.payload)
