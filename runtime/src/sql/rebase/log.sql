-- Which log this is and when its server was started, and whether it ever was the one of life $1 and database $2, which group $4 of database $3 has read. No locks.
-- Databases of one cluster begin with the same life: then the name decides, or that the log knows the group.
SELECT i.system, i.database, i.timeline, i.started,
       EXISTS (SELECT FROM eventwright.windows w WHERE w.life = $1)
       AND (i.database = $2 OR EXISTS (SELECT FROM eventwright.readers r WHERE r.home = $3 AND r.group_name = $4)) AS is_the_same
  FROM eventwright.identity() i
