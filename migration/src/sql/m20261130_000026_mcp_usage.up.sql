-- What tools were called, by whom, and how each call ended: a log of its own, appended to when a call is over, never
-- changed, and dropped by day.
CREATE TABLE metering.mcp_usage (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid,
    api_key_id uuid,
    -- Null for the tools of this server itself.
    server_id uuid,
    server_name varchar(255) NOT NULL,
    tool_name varchar(255) NOT NULL,
    model varchar(255),
    request_id uuid NOT NULL,
    -- The call of a model on whose behalf the tool was called, as the client names it.
    parent_request_id uuid,
    decision_id uuid,
    approval_id uuid,
    status text NOT NULL CONSTRAINT mcp_usage_status_values
        CHECK (status IN ('success', 'error', 'timeout', 'blocked', 'canceled')),
    error_code varchar(50),
    error_message text,
    latency_ms integer CONSTRAINT mcp_usage_latency_not_negative CHECK (latency_ms >= 0),
    input_bytes integer NOT NULL CONSTRAINT mcp_usage_input_bytes_not_negative CHECK (input_bytes >= 0),
    output_bytes integer CONSTRAINT mcp_usage_output_bytes_not_negative CHECK (output_bytes >= 0),
    -- What compliance policies found in the arguments and in the result.
    findings jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT mcp_usage_pkey PRIMARY KEY (id, created_at),
    CONSTRAINT mcp_usage_failed_has_code CHECK ((status = 'success') = (error_code IS NULL))
) PARTITION BY RANGE (created_at);
CREATE INDEX mcp_usage_project_idx ON metering.mcp_usage (project_id, created_at DESC, id DESC);
CREATE INDEX mcp_usage_status_idx ON metering.mcp_usage (project_id, status, created_at DESC, id DESC);
CREATE INDEX mcp_usage_server_idx ON metering.mcp_usage (server_id, tool_name, created_at DESC)
    WHERE server_id IS NOT NULL;
CREATE INDEX mcp_usage_user_idx ON metering.mcp_usage (user_id, created_at DESC, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX mcp_usage_created_brin ON metering.mcp_usage USING brin (created_at);
-- Takes what no day takes, so that forgotten upkeep never stops a call.
CREATE TABLE metering.mcp_usage_default PARTITION OF metering.mcp_usage DEFAULT;

-- Creates the partitions of today and of as many days after it, and drops those that are older than so many days.
-- Gives how many were dropped.
CREATE FUNCTION metering.keep_partitions(days_ahead integer, days_kept integer) RETURNS bigint
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
REVOKE ALL ON FUNCTION metering.keep_partitions(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.keep_partitions(integer, integer) TO trellis_server;
SELECT metering.keep_partitions(3, 90);

CREATE TRIGGER mcp_usage_is_append_only BEFORE UPDATE ON metering.mcp_usage
    FOR EACH ROW EXECUTE FUNCTION governance.refuse_change();

-- The ids that clients chose for calls: one stands for one call, whoever made it and however it ended.
CREATE TABLE metering.mcp_call_ids (
    id uuid CONSTRAINT mcp_call_ids_pkey PRIMARY KEY,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mcp_call_ids_created_brin ON metering.mcp_call_ids USING brin (created_at);
