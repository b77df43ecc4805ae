-- Where a row's number is not taken as the order of the log needs it. Direct inserts into a partition use its own default. No locks.
SELECT t.oid::regclass::text
  FROM (SELECT 'eventwright.outbox'::regclass::oid AS oid
         UNION ALL
        SELECT inhrelid FROM pg_inherits WHERE inhparent = 'eventwright.outbox'::regclass) t
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'seq'
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE pg_get_expr(d.adbin, d.adrelid) IS NULL
    OR pg_get_expr(d.adbin, d.adrelid) !~ '^nextval\(.*pg_current_xact_id\(\)'
 ORDER BY 1
