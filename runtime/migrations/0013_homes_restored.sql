-- A group in another database that stands before where it stood: its database was restored. What the log has dropped meanwhile, since the
-- group had handled it, the group would pass over, though what it did is undone. Where there is such a gap, the log no longer waits for the
-- group, nor lets it read, until a person decides; returns whether. After the group has said where it stands; takes turns with
-- expire_partitions, so that nothing is dropped after that.
CREATE FUNCTION eventwright.detach_where_gap(of_home text, of_group text, of_snapshot pg_snapshot, of_bound bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM eventwright.settings FOR SHARE;
    UPDATE eventwright.readers SET detached_at = coalesce(detached_at, clock_timestamp())
     WHERE home = of_home AND group_name = of_group AND EXISTS (SELECT FROM eventwright.missing(of_snapshot, of_bound));
    RETURN FOUND;
END
$$;

INSERT INTO eventwright.subscriber_functions (name, as_owner) VALUES ('detach_where_gap', true);
