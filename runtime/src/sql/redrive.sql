-- Gives dead letters another life, as if never tried; `release` then lets run what is first of its subject.
-- Locks these rows, in the order of seq, so that two operators take turns. Plan: the primary key.
WITH dead AS (
    SELECT group_name, seq FROM eventwright.held
     WHERE group_name = $1 AND seq = ANY ($2) AND reason = 'dead'
     ORDER BY seq
       FOR UPDATE
)
UPDATE eventwright.held h
   SET reason = 'behind', attempts = 0, last_error = NULL, failed_at = NULL, died_at = NULL
  FROM dead
 WHERE h.group_name = dead.group_name AND h.seq = dead.seq
RETURNING h.subject
