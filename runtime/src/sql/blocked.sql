-- Which of these subjects have an earlier event of this group held back that the next ones must wait for: any, or, where order
-- is not kept past failures ($3 false), one that has not failed.
SELECT DISTINCT subject
  FROM eventwright.held
 WHERE group_name = $1 AND subject = ANY ($2) AND ($3 OR reason NOT IN ('failed', 'snoozed', 'dead'))
