-- Which of these subjects have an earlier event of this group held back.
SELECT DISTINCT subject FROM eventwright.held WHERE group_name = $1 AND subject = ANY ($2)
