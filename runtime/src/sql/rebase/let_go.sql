-- Lets go of held events that the log has lost. Should one come after all, of a prepared transaction, it comes as a new one.
WITH let_go AS (
    DELETE FROM eventwright.held WHERE group_name = $1 AND event_id = ANY ($2) AND seq = ANY ($3) RETURNING event_id
)
DELETE FROM eventwright.repeats r USING let_go l WHERE r.group_name = $1 AND r.event_id = l.event_id
