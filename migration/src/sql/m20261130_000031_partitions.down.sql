DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent IN ('governance.decisions'::regclass, 'metering.mcp_usage'::regclass)
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO trellis_server', partition);
    END LOOP;
END
$$;
GRANT UPDATE, DELETE ON governance.decisions TO trellis_server;

CREATE OR REPLACE FUNCTION metering.keep_partitions(days_ahead integer, days_kept integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today timestamp := date_trunc('day', now() AT TIME ZONE 'UTC');
    day timestamp;
    day_start timestamptz;
    day_end timestamptz;
    partition text;
    occupied boolean;
    dropped bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('metering.keep_partitions'));
    FOR ahead IN 0..days_ahead LOOP
        day := today + make_interval(days => ahead);
        day_start := day AT TIME ZONE 'UTC';
        day_end := (day + interval '1 day') AT TIME ZONE 'UTC';
        partition := 'mcp_usage_' || to_char(day, 'YYYY_MM_DD');
        CONTINUE WHEN to_regclass('metering.' || partition) IS NOT NULL;
        -- Calls that already went to the default partition stay there, and so does the rest of their day.
        SELECT EXISTS (
            SELECT FROM metering.mcp_usage_default WHERE created_at >= day_start AND created_at < day_end
        ) INTO occupied;
        CONTINUE WHEN occupied;
        EXECUTE format(
            'CREATE TABLE metering.%I PARTITION OF metering.mcp_usage FOR VALUES FROM (%L) TO (%L)',
            partition, day_start, day_end
        );
    END LOOP;
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'metering.mcp_usage'::regclass AND c.relname ~ '^mcp_usage_\d{4}_\d{2}_\d{2}$'
            AND to_date(right(c.relname, 10), 'YYYY_MM_DD') < today::date - days_kept
    LOOP
        EXECUTE format('DROP TABLE metering.%I', partition);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM metering.mcp_usage_default WHERE created_at < now() - make_interval(days => days_kept);
    RETURN dropped;
END
$$;
CREATE OR REPLACE FUNCTION governance.keep_partitions(months_ahead integer, months_kept integer) RETURNS bigint
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
CREATE OR REPLACE FUNCTION governance.ensure_partitions(months_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    month timestamp;
    month_start timestamptz;
    month_end timestamptz;
    partition text;
    occupied boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('governance.ensure_partitions'));
    FOR ahead IN 0..months_ahead LOOP
        month := this_month + make_interval(months => ahead);
        month_start := month AT TIME ZONE 'UTC';
        month_end := (month + interval '1 month') AT TIME ZONE 'UTC';
        partition := 'decisions_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('governance.' || partition) IS NOT NULL;
        -- Decisions that already went to the default partition stay there, and so does the rest of their month.
        SELECT EXISTS (
            SELECT FROM governance.decisions_default WHERE created_at >= month_start AND created_at < month_end
        ) INTO occupied;
        CONTINUE WHEN occupied;
        EXECUTE format(
            'CREATE TABLE governance.%I PARTITION OF governance.decisions FOR VALUES FROM (%L) TO (%L)',
            partition, month_start, month_end
        );
    END LOOP;
END
$$;

DROP FUNCTION platform.keep_partitions(regclass, text, integer, integer);
DROP FUNCTION platform.make_partitions(regclass, text, integer);
DROP FUNCTION platform.partition_pattern(text);
