-- Moves a range on; see the function. Locks the row that `claim` locked.
-- $1 group  $2 the range's first bucket  $3 window that is done  $4 window that it reads to  $5 seq that it has passed  $6 to $11 what the
-- two windows are  $12 the events  $13 to $16 the log's identity, where it is elsewhere
SELECT eventwright.advance($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS moved
