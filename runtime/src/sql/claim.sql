-- Claims a range for this transaction; see the function. Locks one row of positions.
-- $1 group  $2 the range's first bucket
SELECT * FROM eventwright.claim($1, $2)
