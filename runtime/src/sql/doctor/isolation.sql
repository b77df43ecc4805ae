-- For which roles this database has another default isolation than read committed (null: for all). No locks.
SELECT r.rolname::text, c.setting
  FROM pg_db_role_setting s
  LEFT JOIN pg_roles r ON r.oid = s.setrole
 CROSS JOIN unnest(s.setconfig) AS c (setting)
 WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
   AND c.setting LIKE 'default_transaction_isolation=%' AND c.setting <> 'default_transaction_isolation=read committed'
 ORDER BY 1, 2
