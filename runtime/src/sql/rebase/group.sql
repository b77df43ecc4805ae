-- The group, whose log is $1's; locked against others who would change it. Its ranges follow, by `ranges`.
SELECT log_system, log_database, log_timeline, remembers_after, until_window IS NOT NULL AS is_replay
  FROM eventwright.groups
 WHERE name = $1
   FOR NO KEY UPDATE
