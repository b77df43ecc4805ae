-- Which dead letters, and in what order: group by group, the oldest first. What is wanted of them stands before this. No locks.
-- Plan: the partial index held_dead, from the cursor on; of one event, held_dead_event.
-- $1 group  $2 event  $3 type  $4 subject  $5 tenant  $6, $7 died since and before  $8 part of the error (null: any)
-- $9, $10, $11 after this one: group, died_at, seq  $12 how many
  FROM eventwright.dead_letters
 WHERE ($1::text IS NULL OR group_name = $1)
   AND ($2::uuid IS NULL OR event_id = $2)
   AND ($3::text IS NULL OR event_type = $3)
   AND ($4::text IS NULL OR subject = $4)
   AND ($5::text IS NULL OR tenant_id = $5)
   AND ($6::timestamptz IS NULL OR died_at >= $6)
   AND ($7::timestamptz IS NULL OR died_at < $7)
   AND ($8::text IS NULL OR position(lower($8) IN lower(error)) > 0)
   AND (group_name, died_at, seq) > ($9::text, $10::timestamptz, $11::bigint)
 ORDER BY group_name, died_at, seq
 LIMIT $12
