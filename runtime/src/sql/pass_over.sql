-- Moves ranges on in which there was nothing; see the function. Locks their rows of positions.
-- $1 group  $2 and $3 the ranges' first and last buckets  $4 from which window  $5 to $8 to which window, and what that is
-- $9 to $12 the log's identity, where it is elsewhere
SELECT eventwright.pass_over($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
