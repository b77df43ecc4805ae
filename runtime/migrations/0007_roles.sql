-- Least privilege: database roles that may only publish what their domain owns, and only read what it subscribes to.
-- Nothing changes before the first role is granted anything; owners of the tables are never bound by any of this.

-- What was granted; `migrate` renews the rights to functions by it, which a replaced function loses.
CREATE TABLE eventwright.roles (
    role      name   PRIMARY KEY,
    domain    text   NOT NULL,
    publishes text[],
    reads     text[]
);

ALTER TABLE eventwright.readers
    -- Who said so, and alone may say how far it has come.
    ADD COLUMN role name NOT NULL DEFAULT current_user;

-- Takes a ticket; see migration 3. For an hour at most: publishers notify for as long as it counts.
CREATE OR REPLACE FUNCTION eventwright.fall_asleep(good_for interval) RETURNS xid8
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.asleep'::regclass::oid::bigint::bit(32)::int, 1);
    PERFORM setval('eventwright.asleep', greatest(
        (SELECT last_value + 1 FROM eventwright.asleep),
        (SELECT last_value + 1 FROM eventwright.awake),
        (extract(epoch FROM clock_timestamp() + least(good_for, interval '1 hour')) * 1000)::bigint));
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN pg_current_xact_id();
END
$$;

-- Answers all tickets up to this one; see migration 3. Not those that nobody took yet.
CREATE OR REPLACE FUNCTION eventwright.wake_up(ticket bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    answered bigint;
BEGIN
    PERFORM pg_advisory_xact_lock('eventwright.asleep'::regclass::oid::bigint::bit(32)::int, 1);
    SELECT least(ticket, last_value) INTO STRICT answered FROM eventwright.asleep;
    IF answered > (SELECT last_value FROM eventwright.awake) THEN
        PERFORM set_config('synchronous_commit', 'off', true);
        PERFORM setval('eventwright.awake', answered);
    END IF;
END
$$;

-- As much room as everybody may ask for.
CREATE FUNCTION eventwright.make_room() RETURNS integer
LANGUAGE sql VOLATILE AS $$ SELECT eventwright.ensure_partitions() $$;

-- Forgets idempotency keys of a week ago, which is what everybody may ask for.
CREATE FUNCTION eventwright.forget_old_keys(at_most integer) RETURNS integer
LANGUAGE sql VOLATILE AS $$ SELECT eventwright.forget_idempotency_keys(interval '7 days', at_most) $$;

-- Whether a group is of a domain. Volatile, so that it sees a group that the same statement makes.
CREATE FUNCTION eventwright.is_group_of(of_group text, of_domain text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM eventwright.groups g WHERE g.name = of_group AND g.domain = of_domain);
END
$$;

-- The functions that subscribers call: those that do more than their callers may run as the owner. Whoever adds one says it here.
CREATE TABLE eventwright.subscriber_functions (
    name     text    PRIMARY KEY,
    as_owner boolean NOT NULL
);
INSERT INTO eventwright.subscriber_functions (name, as_owner) VALUES
    ('open_window', true), ('fall_asleep', true), ('wake_up', true), ('make_room', true), ('forget_windows', true), ('lag', true),
    ('detach_laggards', true), ('is_group_of', true), ('publish_due', true), ('next_due', true), ('forget_old_keys', true),
    ('may_clear_away', true),
    ('identity', true), ('assert_not_restored', true), ('timeline', false),
    ('running', false), ('assert_identity', false), ('release', false), ('edges', false), ('meet', false),
    ('look', false), ('due_in', false),
    ('let_go', false), ('claim', false);

-- Has functions that do more than their callers may run as the owner, takes them from everybody else, and gives all roles those that
-- they need. A function that runs as the owner finds nothing by the caller's search_path: all names in it are qualified, and it looks
-- for operators in pg_catalog alone. No lock on any table.
CREATE FUNCTION eventwright.secure_functions() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    f record;
    to_role record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS signature, coalesce(s.as_owner, false) AS elevated, s.name IS NOT NULL AS needed,
                    p.proname = 'make_room' AS all_roles
               FROM pg_catalog.pg_proc p
               LEFT JOIN eventwright.subscriber_functions s ON s.name = p.proname
              WHERE p.pronamespace = 'eventwright'::regnamespace
    LOOP
        -- first taken from everybody, then made powerful
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f.signature);
        IF f.elevated THEN
            EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, pg_temp', f.signature);
        END IF;
        CONTINUE WHEN NOT f.needed;
        FOR to_role IN SELECT role FROM eventwright.roles WHERE reads IS NOT NULL OR f.all_roles LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f.signature, to_role.role);
        END LOOP;
    END LOOP;
END
$$;

-- Makes the role, if it is not there, and notes what it may. A role is one domain's.
CREATE FUNCTION eventwright.note_role(of_role name, of_domain text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    known text;
BEGIN
    IF octet_length(of_role::text) > 50 THEN
        RAISE EXCEPTION 'the role name % is longer than 50 bytes', quote_ident(of_role);
    END IF;
    INSERT INTO eventwright.roles (role, domain) VALUES (of_role, of_domain) ON CONFLICT DO NOTHING;
    SELECT domain INTO STRICT known FROM eventwright.roles WHERE role = of_role;
    IF known <> of_domain THEN
        RAISE EXCEPTION 'role % belongs to domain %', quote_ident(of_role), known
            USING HINT = 'use a role of its own for each domain';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = of_role) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', of_role);
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA eventwright TO %I', of_role);
    -- `migrate` looks there, and has nothing to do
    EXECUTE format('GRANT SELECT ON eventwright.migrations, eventwright.roles TO %I', of_role);
END
$$;

-- Turns row-level security on, and sets a policy of a role anew. Both lock the table against everybody, and whoever comes then
-- waits behind us: so a tenth of a second at most. Who is told lock_not_available tries again.
CREATE FUNCTION eventwright.set_policy(of_table text, of_role name, kind text, command text, policy text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    IF NOT (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = format('eventwright.%I', of_table)::regclass) THEN
        EXECUTE format('ALTER TABLE eventwright.%I ENABLE ROW LEVEL SECURITY', of_table);
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polrelid = format('eventwright.%I', of_table)::regclass AND polname = of_role || ' ' || kind) THEN
        EXECUTE format('DROP POLICY %I ON eventwright.%I', of_role || ' ' || kind, of_table);
    END IF;
    EXECUTE format('CREATE POLICY %I ON eventwright.%I FOR %s TO %I %s', of_role || ' ' || kind, of_table, command, of_role, policy);
END
$$;

-- Lets a role publish these event types for a domain, and nothing else. Call it again when the domain owns other types.
-- No role may insert seq or xid: they are the order of the log. RETURNING in publish.sql needs columns and a row that may be
-- read: the columns are seq and bucket, and the rows are those of the own transaction.
CREATE FUNCTION eventwright.grant_producer(to_role name, of_domain text, event_types text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    columns CONSTANT text := 'event_id, event_type, schema_version, source, tenant_id, subject, occurred_at, correlation_id, '
                             'causation_id, traceparent, payload, downcast_version, downcast_payload';
    owns CONSTANT text := format('event_type = ANY (%L::text[]) AND source = %L', event_types, of_domain);
BEGIN
    PERFORM eventwright.note_role(to_role, of_domain);
    UPDATE eventwright.roles SET publishes = event_types WHERE role = to_role;
    EXECUTE format('GRANT INSERT (%s), SELECT (seq, bucket) ON eventwright.outbox TO %I', columns, to_role);
    EXECUTE format('GRANT USAGE ON SEQUENCE eventwright.outbox_seq TO %I', to_role);
    EXECUTE format('GRANT SELECT ON SEQUENCE eventwright.asleep, eventwright.awake TO %I', to_role);
    IF to_regclass('eventwright.idempotency_keys') IS NOT NULL THEN
        EXECUTE format('GRANT SELECT, INSERT, UPDATE (repeats), DELETE ON eventwright.idempotency_keys TO %I', to_role);
        PERFORM eventwright.set_policy('idempotency_keys', to_role, 'publishes', 'ALL', format('USING (source = %L)', of_domain));
    END IF;
    IF to_regclass('eventwright.scheduled') IS NOT NULL THEN
        EXECUTE format('GRANT SELECT, DELETE, INSERT (due_at, idempotency_key, %s) ON eventwright.scheduled TO %I', columns, to_role);
        PERFORM eventwright.set_policy('scheduled', to_role, 'publishes', 'ALL', format('USING (%s)', owns));
    END IF;
    PERFORM eventwright.secure_functions();
    -- last, since its lock is held until the end
    PERFORM eventwright.set_policy('outbox', to_role, 'publishes', 'INSERT', format('WITH CHECK (%s)', owns));
    PERFORM eventwright.set_policy('outbox', to_role, 'published', 'SELECT', 'USING (xid = pg_current_xact_id_if_assigned())');
END
$$;

-- Lets a role run groups of a domain, and read these event types. Call it again when the domain subscribes to other types.
CREATE FUNCTION eventwright.grant_consumer(to_role name, of_domain text, event_types text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    own_groups CONSTANT text := 'group_name IN (SELECT g.name FROM eventwright.groups g WHERE g.domain = ' || quote_literal(of_domain) || ')';
    of_table text;
BEGIN
    PERFORM eventwright.note_role(to_role, of_domain);
    UPDATE eventwright.roles SET reads = event_types WHERE role = to_role;
    EXECUTE format('GRANT SELECT ON eventwright.outbox, eventwright.windows, eventwright.settings, eventwright.partitions, '
                   'eventwright.retention, eventwright.expired, eventwright.outbox_seq, eventwright.asleep, eventwright.awake TO %I', to_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON eventwright.groups, eventwright.readers TO %I', to_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON eventwright.positions, eventwright.begun, eventwright.held, '
                   'eventwright.handled, eventwright.repeats TO %I', to_role);
    PERFORM eventwright.set_policy('groups', to_role, 'runs', 'ALL', format('USING (domain = %L)', of_domain));
    PERFORM eventwright.set_policy('readers', to_role, 'runs', 'ALL', 'USING (role = current_user)');
    PERFORM eventwright.set_policy('positions', to_role, 'makes', 'INSERT',
                                   format('WITH CHECK (eventwright.is_group_of(group_name, %L))', of_domain));
    FOREACH of_table IN ARRAY ARRAY['begun', 'held', 'handled', 'repeats'] LOOP
        PERFORM eventwright.set_policy(of_table, to_role, 'runs', 'ALL', format('USING (%s)', own_groups));
    END LOOP;
    PERFORM eventwright.set_policy('positions', to_role, 'runs', 'SELECT', format('USING (%s)', own_groups));
    PERFORM eventwright.set_policy('positions', to_role, 'moves', 'UPDATE', format('USING (%s)', own_groups));
    PERFORM eventwright.set_policy('positions', to_role, 'joins', 'DELETE', format('USING (%s)', own_groups));
    PERFORM eventwright.secure_functions();
    -- last, since its lock is held until the end
    -- CASE, as in read.sql, so that the planner does not take it for true of next to nothing, and read all of a partition for each page
    PERFORM eventwright.set_policy('outbox', to_role, 'reads', 'SELECT',
                                   format('USING (CASE WHEN event_type = ANY (%L::text[]) THEN true ELSE false END)', event_types));
END
$$;

-- Only the owner grants.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_catalog.pg_proc WHERE pronamespace = 'eventwright'::regnamespace
                AND proname IN ('secure_functions', 'note_role', 'set_policy', 'grant_producer', 'grant_consumer', 'is_group_of', 'make_room', 'forget_old_keys', 'may_clear_away')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END
$$;
