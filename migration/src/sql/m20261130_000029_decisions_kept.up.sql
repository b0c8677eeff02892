-- Creates the partitions of this month and of as many months after it, and drops those that are older than so many
-- months before it. Gives how many were dropped.
CREATE FUNCTION governance.keep_partitions(months_ahead integer, months_kept integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    oldest timestamp := this_month - make_interval(months => months_kept);
    partition text;
    dropped bigint := 0;
BEGIN
    PERFORM governance.ensure_partitions(months_ahead);
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'governance.decisions'::regclass AND c.relname ~ '^decisions_\d{4}_\d{2}$'
            AND to_date(right(c.relname, 7), 'YYYY_MM') < oldest::date
    LOOP
        EXECUTE format('DROP TABLE governance.%I', partition);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM governance.decisions_default WHERE created_at < oldest AT TIME ZONE 'UTC';
    RETURN dropped;
END
$$;
REVOKE ALL ON FUNCTION governance.keep_partitions(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION governance.keep_partitions(integer, integer) TO trellis_server;

-- The log of calls is appended to: what is over leaves with its day, which the owner's function drops.
REVOKE UPDATE, DELETE ON metering.mcp_usage FROM trellis_server;
