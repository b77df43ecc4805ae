-- Gives dead letters another life, as if never tried; `release` then puts them in order. $2 null: all of the group.
WITH dead AS (
    DELETE FROM eventwright.dead_letters WHERE group_name = $1 AND ($2::uuid IS NULL OR event_id = $2) RETURNING *
), again AS (
    INSERT INTO eventwright.held (
        group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
        correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload, reason, last_error)
    SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
           correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload, 'behind', error
      FROM dead
)
SELECT subject FROM dead
