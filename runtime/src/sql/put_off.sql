-- Holds leased events on, each for another reason and until later, if we still have them; and those that were behind one of them
-- and have been tried with it. Locks their rows. What an error said of a payload that was erased meanwhile is not kept.
-- $1 group  $2 lease  $3 to $7 seq, reason, attempts, seconds from now, error
UPDATE eventwright.held h
   SET reason = p.reason, attempts = p.attempts, due_at = clock_timestamp() + make_interval(secs => p.wait_seconds),
       last_error = CASE WHEN eventwright.is_erased(h.payload) THEN '<erased>' ELSE coalesce(p.error, h.last_error) END,
       failed_at = coalesce(h.failed_at, CASE WHEN h.last_error IS NULL AND p.error IS NOT NULL THEN clock_timestamp() END),
       died_at = CASE WHEN p.reason = 'dead' THEN clock_timestamp() END, lease = NULL, leased_until = NULL, in_company = false
  FROM unnest($3::bigint[], $4::text[], $5::integer[], $6::double precision[], $7::text[])
       AS p (seq, reason, attempts, wait_seconds, error)
 WHERE h.group_name = $1 AND h.seq = p.seq AND (h.lease = $2 OR h.reason = 'behind')
