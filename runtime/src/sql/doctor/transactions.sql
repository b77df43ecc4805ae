-- Transactions that have written something and are open for longer than $1 seconds. No locks.
SELECT format('session %s (%s, %s)', pid, coalesce(nullif(application_name, ''), usename, '?'), coalesce(state, '?')) AS name,
       xact_start AS since, format('SELECT pg_terminate_backend(%s)', pid) AS mend
  FROM pg_stat_activity
 WHERE datname = current_database() AND backend_xid IS NOT NULL AND xact_start < clock_timestamp() - make_interval(secs => $1)
 UNION ALL
SELECT format('the prepared transaction %L', gid), prepared, format('COMMIT PREPARED %1$L or ROLLBACK PREPARED %1$L', gid)
  FROM pg_prepared_xacts
 WHERE database = current_database() AND prepared < clock_timestamp() - make_interval(secs => $1)
 ORDER BY since
