-- The logs of decisions and of calls are appended to, in whichever of their partitions a row stands: the server's role
-- speaks to the logs alone, and removes nothing. Partitions are made and dropped in one way for both.

-- The ways of before lock these: none of them makes a partition meanwhile that nothing is taken away from below.
SELECT pg_advisory_xact_lock(hashtext('governance.ensure_partitions'));
SELECT pg_advisory_xact_lock(hashtext('metering.keep_partitions'));

-- The pattern of the times that the names of partitions end with.
CREATE FUNCTION platform.partition_pattern(unit text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE unit WHEN 'day' THEN 'YYYY_MM_DD' WHEN 'month' THEN 'YYYY_MM' END
$$;

-- Creates the partitions of this day or month and of as many after it, for a log that is partitioned by `created_at` in UTC
-- and has a default partition. Nobody but the owner needs them by name.
CREATE FUNCTION platform.make_partitions(log regclass, unit text, ahead integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema_name name;
    log_name name;
    first timestamp := date_trunc(unit, now() AT TIME ZONE 'UTC');
    length interval := ('1 ' || unit)::interval;
    begins timestamptz;
    ends timestamptz;
    partition text;
    occupied boolean;
BEGIN
    SELECT n.nspname, c.relname INTO schema_name, log_name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = log;
    PERFORM pg_advisory_xact_lock(hashtext('platform.make_partitions'), log::oid::integer);
    FOR step IN 0..ahead LOOP
        begins := (first + step * length) AT TIME ZONE 'UTC';
        ends := (first + (step + 1) * length) AT TIME ZONE 'UTC';
        partition := format('%I.%I', schema_name,
            log_name || '_' || to_char(first + step * length, platform.partition_pattern(unit)));
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        -- What already went to the default partition stays there, and so does the rest of its time.
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %I.%I WHERE created_at >= $1 AND created_at < $2)',
            schema_name, log_name || '_default'
        ) INTO occupied USING begins, ends;
        CONTINUE WHEN occupied;
        EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', partition, log, begins, ends);
        EXECUTE format('REVOKE ALL ON %s FROM trellis_server', partition);
    END LOOP;
END
$$;

-- Does that, and drops the partitions that are older than so many days or months before this one. Gives how many.
CREATE FUNCTION platform.keep_partitions(log regclass, unit text, ahead integer, kept integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema_name name;
    log_name name;
    oldest timestamp := date_trunc(unit, now() AT TIME ZONE 'UTC') - kept * ('1 ' || unit)::interval;
    pattern text := platform.partition_pattern(unit);
    partition name;
    dropped bigint := 0;
BEGIN
    PERFORM platform.make_partitions(log, unit, ahead);
    SELECT n.nspname, c.relname INTO schema_name, log_name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = log;
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = log
            -- Only what ends with a time is read as one.
            AND CASE WHEN c.relname ~ ('^' || log_name || '_' || regexp_replace(pattern, '[A-Z]', '\d', 'g') || '$')
                THEN to_date(right(c.relname, length(pattern)), pattern) < oldest::date ELSE false END
    LOOP
        EXECUTE format('DROP TABLE %I.%I', schema_name, partition);
        dropped := dropped + 1;
    END LOOP;
    EXECUTE format('DELETE FROM %I.%I WHERE created_at < $1', schema_name, log_name || '_default')
    USING oldest AT TIME ZONE 'UTC';
    RETURN dropped;
END
$$;
REVOKE ALL ON FUNCTION platform.partition_pattern(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION platform.make_partitions(regclass, text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION platform.keep_partitions(regclass, text, integer, integer) FROM PUBLIC;

-- What the server may ask for runs as the owner, and names the log itself.
CREATE OR REPLACE FUNCTION governance.ensure_partitions(months_ahead integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT platform.make_partitions('governance.decisions', 'month', months_ahead)
$$;
CREATE OR REPLACE FUNCTION governance.keep_partitions(months_ahead integer, months_kept integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT platform.keep_partitions('governance.decisions', 'month', months_ahead, months_kept)
$$;
CREATE OR REPLACE FUNCTION metering.keep_partitions(days_ahead integer, days_kept integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT platform.keep_partitions('metering.mcp_usage', 'day', days_ahead, days_kept)
$$;

REVOKE UPDATE, DELETE ON governance.decisions FROM trellis_server;
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent IN ('governance.decisions'::regclass, 'metering.mcp_usage'::regclass)
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM trellis_server', partition);
    END LOOP;
END
$$;
