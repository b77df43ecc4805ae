-- Says which suspects are about to run, and asks whether together; see the function. Locks a row of begun.
-- $1 group  $2 the range's first bucket  $3 the first event's seq  $4 that of the last one that may run with it
-- $5 whether this worker has come through it before
SELECT eventwright.begin_suspects($1, $2, $3, $4, $5) AS attempt
