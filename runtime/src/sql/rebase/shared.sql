-- For a range that has done window $1 and reads on to window $2 (or null): whether the log has both (see has_come_to), has the first,
-- and else the last window of life $3 and timeline $4 that is no later than the first. Window 0 is in every log. No locks. Plan: a
-- walk down the primary key for those that kept their ids; those that did not are as many as somebody stands at.
SELECT eventwright.has_come_to(greatest($1, $2), $3, $4) AS has_both, eventwright.has_come_to($1, $3, $4) AS has_done,
       w.id, w.known_id, w.snapshot::text, w.bound, w.fence::text
  FROM (SELECT id, coalesce(former_id, id) AS known_id, snapshot, bound, fence
          FROM eventwright.windows
         WHERE id = 0 OR (life = $3 AND timeline = $4 AND coalesce(former_id, id) <= $1)
         ORDER BY known_id DESC
         LIMIT 1) w
