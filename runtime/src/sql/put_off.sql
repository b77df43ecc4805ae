-- Holds a leased event on, for another reason and until later, if we still have it.
UPDATE eventwright.held
   SET reason = $4, attempts = $5, due_at = clock_timestamp() + make_interval(secs => $6), last_error = CASE WHEN eventwright.is_erased(payload) THEN '<erased>' ELSE coalesce($7, last_error) END,
       failed_at = coalesce(failed_at, CASE WHEN last_error IS NULL AND $7 IS NOT NULL THEN clock_timestamp() END),
       died_at = CASE WHEN $4 = 'dead' THEN clock_timestamp() END, lease = NULL, leased_until = NULL
 WHERE group_name = $1 AND seq = $2 AND lease = $3
