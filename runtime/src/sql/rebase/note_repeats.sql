-- Notes what the group was given in pages that read further than window $2, as what is to be passed over when it comes again.
WITH given AS (
    DELETE FROM eventwright.handled WHERE group_name = $1 AND until > $2 RETURNING event_ids
)
INSERT INTO eventwright.repeats (group_name, event_id)
SELECT DISTINCT $1, e.id FROM given CROSS JOIN LATERAL unnest(given.event_ids) AS e (id)
    ON CONFLICT DO NOTHING
