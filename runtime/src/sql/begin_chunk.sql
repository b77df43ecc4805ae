-- Says, outside of the handlers' transaction and after it claimed the range, what is about to run. A chunk that begins where the
-- last one began, and that nobody reported as failed ($5), was cut short with its process: everything up to its end is then
-- suspect and runs alone.
-- It outlives the process, not the server, which takes the chunk with it: so its commit is not waited for.
INSERT INTO eventwright.begun AS b (group_name, bucket_lo, first_seq, until_seq)
SELECT $1, $2, $3, $4 FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (group_name, bucket_lo) DO UPDATE
   SET first_seq = excluded.first_seq,
       until_seq = CASE WHEN (b.first_seq = excluded.first_seq AND NOT $5) OR (b.suspect AND excluded.first_seq <= b.until_seq)
                        THEN b.until_seq ELSE excluded.until_seq END,
       suspect   = (b.first_seq = excluded.first_seq AND NOT $5) OR (b.suspect AND excluded.first_seq <= b.until_seq),
       attempts  = CASE WHEN b.first_seq = excluded.first_seq AND NOT $5 THEN b.attempts ELSE 0 END
