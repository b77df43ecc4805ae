-- The newest of the windows that a group knows that the log has; see has_window. Window 0 is in every log.
SELECT coalesce(max(k.id), 0)
  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS k (id, bound, fence)
 WHERE eventwright.has_window(k.id, k.bound, k.fence::xid8)
