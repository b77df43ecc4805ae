-- Forgets dead letters; `release` then lets run what waited behind them.
-- Locks these rows, in the order of seq, so that two operators take turns. Plan: the primary key.
WITH dead AS (
    SELECT group_name, seq FROM eventwright.held
     WHERE group_name = $1 AND seq = ANY ($2) AND reason = 'dead'
     ORDER BY seq
       FOR UPDATE
)
DELETE FROM eventwright.held h
 USING dead
 WHERE h.group_name = dead.group_name AND h.seq = dead.seq
RETURNING h.subject
