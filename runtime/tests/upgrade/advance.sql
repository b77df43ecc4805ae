-- Moves a range on: to $5 within its window, or past it where $4 is null.
UPDATE eventwright.positions SET done = $3, current = $4, after_seq = $5 WHERE group_name = $1 AND bucket_lo = $2
