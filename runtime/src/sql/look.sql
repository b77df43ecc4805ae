-- What a group has to do; see the function. No locks.
-- $1 group  $2 the newest window  $3 kinds that this process handles
SELECT * FROM eventwright.look($1, $2, $3)
