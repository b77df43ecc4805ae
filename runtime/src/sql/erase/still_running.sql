-- How many transactions ran when the erasure began, still do, and have written to the log or scheduled something: those hold a lock on
-- the log (publish_batch.sql, which schedules, has it in the same statement), which tells them from transactions of other databases, and
-- from those that will have higher numbers. No locks of its own.
SELECT count(*)
  FROM eventwright.erasures e
 CROSS JOIN LATERAL eventwright.running(e.snapshot, e.fence) r
 WHERE e.subject = $1 AND e.finished_at IS NULL AND NOT pg_visible_in_snapshot(r.xid, pg_current_snapshot())
   AND EXISTS (
        SELECT FROM pg_locks own
          JOIN pg_locks log USING (virtualtransaction)
         WHERE own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock' AND own.transactionid = r.xid::xid
           AND log.locktype = 'relation' AND log.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND log.relation IN (SELECT 'eventwright.outbox'::regclass::oid
                                 UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'eventwright.outbox'::regclass))
