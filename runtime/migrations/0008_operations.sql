-- What operators need.

-- A running handler has rows of `held` locked, and whoever waits for it with an exclusive lock stops everybody behind him: so not
-- for long. `migrate` tries again.
SET LOCAL lock_timeout = '2s';

-- When an event failed for the first time while it was held back. One that was held back because it failed did so at held_at.
ALTER TABLE eventwright.held ADD COLUMN failed_at timestamptz;

-- Finds one dead letter among millions.
CREATE INDEX held_dead_event ON eventwright.held (event_id) WHERE reason = 'dead';

CREATE OR REPLACE VIEW eventwright.dead_letters AS
SELECT group_name, seq, event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, published_at,
       correlation_id, causation_id, traceparent, payload, downcast_version, downcast_payload,
       attempts, last_error AS error, died_at, coalesce(failed_at, held_at) AS failed_at
  FROM eventwright.held
 WHERE reason = 'dead';
