-- Erases the payloads of a subject in a part of the log. Locks the rows that it changes, which nobody else does.
-- Plan: the primary key between $2 and $3, of whose rows the bucket is compared first. There is no index on subjects.
UPDATE eventwright.outbox
   SET payload = eventwright.erased(), downcast_payload = CASE WHEN downcast_payload IS NOT NULL THEN eventwright.erased() END
 WHERE seq > $2 AND seq <= $3 AND bucket = (hashtextextended($1, 0) & 1023)::smallint AND subject = $1
   AND NOT eventwright.is_erased(payload)
