-- Which of these subjects have an earlier event of this group held back or dead. One statement, one snapshot: a redrive moves
-- an event from one table to the other.
SELECT subject FROM eventwright.held WHERE group_name = $1 AND subject = ANY ($2)
UNION
SELECT subject FROM eventwright.dead_letters WHERE group_name = $1 AND subject = ANY ($2)
