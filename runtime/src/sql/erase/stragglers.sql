-- Erases what was published by transactions that were running when the erasure began. Plan: outbox_xid.
UPDATE eventwright.outbox o
   SET payload = eventwright.erased(), downcast_payload = CASE WHEN o.downcast_payload IS NOT NULL THEN eventwright.erased() END
  FROM eventwright.erasures e
 CROSS JOIN LATERAL eventwright.running(e.snapshot, e.fence) r
 WHERE e.subject = $1 AND e.finished_at IS NULL AND o.xid = r.xid AND o.seq <= e.until_seq AND o.subject = $1
   AND NOT eventwright.is_erased(o.payload)
