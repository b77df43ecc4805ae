-- Says, outside of the handlers' transaction, what is about to run. A chunk that begins where the last one began, and that
-- nobody reported as failed ($5), was cut short with its process: everything up to its end is then suspect and runs alone.
INSERT INTO eventwright.begun AS b (group_name, bucket_lo, first_seq, until_seq) VALUES ($1, $2, $3, $4)
ON CONFLICT (group_name, bucket_lo) DO UPDATE
   SET first_seq = excluded.first_seq,
       until_seq = CASE WHEN (b.first_seq = excluded.first_seq AND NOT $5) OR (b.suspect AND excluded.first_seq <= b.until_seq)
                        THEN b.until_seq ELSE excluded.until_seq END,
       suspect   = (b.first_seq = excluded.first_seq AND NOT $5) OR (b.suspect AND excluded.first_seq <= b.until_seq),
       attempts  = CASE WHEN b.first_seq = excluded.first_seq AND NOT $5 THEN b.attempts ELSE 0 END
RETURNING suspect
