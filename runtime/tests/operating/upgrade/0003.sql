-- What a system on migrations 1 to 3 left: a group that has handled two events, holds three back, and has not read the last two.

CREATE FUNCTION pg_temp.published(about text, n bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO eventwright.outbox (event_id, event_type, schema_version, source, subject, occurred_at, correlation_id, payload)
    VALUES (('0192f0c0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'home.happened', 1, 'home', about, now(), 'c',
            json_build_object('about', about, 'n', n))
$$;
SELECT pg_temp.published('handled', 1);
SELECT pg_temp.published('handled', 2);
SELECT pg_temp.published('dead', 3);
SELECT pg_temp.published('dead', 4);
SELECT pg_temp.published('failed', 5);
-- a window is opened alone in its transaction
COMMIT;
SELECT eventwright.open_window();
COMMIT;
INSERT INTO eventwright.groups (name, domain) VALUES ('a', 'home');
INSERT INTO eventwright.positions (group_name, bucket_lo, bucket_hi, done)
SELECT 'a', lo, hi, max(id) FROM eventwright.windows, (VALUES (0, 511), (512, 1023)) AS ranges (lo, hi) GROUP BY lo, hi;
INSERT INTO eventwright.begun (group_name, bucket_lo, first_seq, until_seq) VALUES ('a', 0, 1, 5);
INSERT INTO eventwright.held (
    group_name, seq, event_id, event_type, schema_version, source, subject, occurred_at, published_at, correlation_id, payload,
    reason, attempts, last_error, died_at)
SELECT 'a', o.seq, o.event_id, o.event_type, o.schema_version, o.source, o.subject, o.occurred_at, o.published_at, o.correlation_id,
       o.payload, h.reason, h.attempts, h.error, h.died_at
  FROM (VALUES (3, 'dead', 5, 'no', now()), (4, 'behind', 0, NULL, NULL), (5, 'failed', 1, 'not yet', NULL))
       AS h (seq, reason, attempts, error, died_at)
  JOIN eventwright.outbox o ON o.seq = h.seq;
SELECT pg_temp.published('dead', 6);
SELECT pg_temp.published('new', 7);
