-- Functions that have ways of the planner switched off: where there is no other way, it takes it for one at a price that nobody can pay, and
-- each such statement seemed worth compiling, for up to seconds each time. So it was where an event was due, and where row-level security has
-- `look`, `claim` and `advance` look through the few groups that there are.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p
              WHERE p.pronamespace = 'eventwright'::regnamespace
                AND EXISTS (SELECT FROM unnest(p.proconfig) AS setting (text) WHERE setting.text LIKE 'enable%=off')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET jit = off', f);
    END LOOP;
END
$$;
