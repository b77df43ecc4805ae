-- Gives dead letters another life, as if never tried; `release` then lets run what is first of its subject. $2 null: all of the
-- group. Plan: the partial index held_dead.
UPDATE eventwright.held
   SET reason = 'behind', attempts = 0, died_at = NULL
 WHERE group_name = $1 AND reason = 'dead' AND ($2::uuid IS NULL OR event_id = $2)
RETURNING subject
