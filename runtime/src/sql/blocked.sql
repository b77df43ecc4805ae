-- Which of these subjects have an earlier event of this group held back that the next ones must wait for: any, or, where order
-- is not kept past failures ($3 false), one that has not failed. No locks.
-- Plan: the index held_subject, once for each subject: of one that many wait behind, the first is enough.
SELECT s.subject
  FROM unnest($2::text[]) s (subject)
 CROSS JOIN LATERAL (SELECT FROM eventwright.held h
                      WHERE h.group_name = $1 AND h.subject BETWEEN s.subject AND s.subject
                        AND ($3 OR h.reason NOT IN ('failed', 'snoozed', 'dead'))
                      ORDER BY h.subject, h.seq LIMIT 1) first
