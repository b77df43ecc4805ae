-- The group reads that log from now on; and ranges that were on their way to meet meet where the first of them is now.
WITH reads AS (
    UPDATE eventwright.groups SET log_system = $2, log_database = $3, log_timeline = $4, log_started = $5 WHERE name = $1
)
UPDATE eventwright.positions
   SET stop_at = (SELECT max(greatest(done, current)) FROM eventwright.positions WHERE group_name = $1)
 WHERE group_name = $1 AND stop_at IS NOT NULL
