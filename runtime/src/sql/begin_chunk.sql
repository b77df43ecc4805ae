-- Says what is about to run; see the function. Locks a row of begun.
-- $1 group  $2 the range's first bucket  $3 the first event's seq  $4 the last one's  $5 whether this worker has come through it before
SELECT eventwright.begin_chunk($1, $2, $3, $4, $5)
