-- The last window of life $2 and timeline $3 that is no later than window $1, and what it was called in that life. Window 0 is in every
-- log. No locks. Plan: a scan of the windows, which are few.
SELECT id, coalesce(former_id, id) AS known_id, snapshot::text, bound, fence::text
  FROM eventwright.windows
 WHERE id = 0 OR (life = $2 AND timeline = $3 AND coalesce(former_id, id) <= $1)
 ORDER BY known_id DESC
 LIMIT 1
