-- The audit log: partitioned by month, written by triggers, never changed.

CREATE SCHEMA audit;
GRANT USAGE ON SCHEMA audit TO trellis_server;
-- Partitions that are made later get the same rights: to write and to read, nothing else.
ALTER DEFAULT PRIVILEGES IN SCHEMA audit GRANT SELECT, INSERT ON TABLES TO trellis_server;

CREATE TABLE audit.logs (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    -- The clock and not the transaction's start, so that entries of one transaction keep their order.
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_type text NOT NULL CONSTRAINT logs_actor_type_values
        CHECK (actor_type IN ('user', 'api_key', 'system', 'webhook', 'anonymous')),
    actor_id uuid,
    actor_ip inet,
    actor_user_agent text,
    organization_id uuid,
    project_id uuid,
    space_id uuid,
    action text NOT NULL CONSTRAINT logs_action_not_empty CHECK (action <> ''),
    resource_schema text NOT NULL,
    resource_type text NOT NULL,
    resource_id uuid,
    changes jsonb,
    metadata jsonb NOT NULL DEFAULT '{}',
    request_id uuid,
    sensitive boolean NOT NULL DEFAULT false,
    retention_days integer CONSTRAINT logs_retention_days_positive CHECK (retention_days > 0),
    CONSTRAINT logs_pkey PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX logs_organization_idx ON audit.logs (organization_id, created_at DESC, id DESC);
CREATE INDEX logs_space_idx ON audit.logs (space_id, created_at DESC, id DESC) WHERE space_id IS NOT NULL;
CREATE INDEX logs_project_idx ON audit.logs (project_id, created_at DESC, id DESC) WHERE project_id IS NOT NULL;
CREATE INDEX logs_actor_idx ON audit.logs (actor_id, created_at DESC, id DESC);
CREATE INDEX logs_resource_idx ON audit.logs (resource_type, resource_id, created_at DESC, id DESC);
CREATE INDEX logs_action_idx ON audit.logs (action, created_at DESC, id DESC);
CREATE INDEX logs_request_idx ON audit.logs (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX logs_created_idx ON audit.logs USING brin (created_at);

-- Takes what no month takes, so that a forgotten `trellis maintain` never stops a write.
CREATE TABLE audit.logs_default PARTITION OF audit.logs DEFAULT;

CREATE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'audit.logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER logs_are_append_only BEFORE UPDATE OR DELETE ON audit.logs
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER logs_are_not_truncated BEFORE TRUNCATE ON audit.logs
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Creates the partitions of this month and of as many months after it. Runs as the owner, since the server's
-- role owns nothing.
CREATE FUNCTION audit.ensure_partitions(months_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    month timestamp;
    month_start timestamptz;
    month_end timestamptz;
    partition text;
    occupied boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit.ensure_partitions'));
    FOR ahead IN 0..months_ahead LOOP
        month := this_month + make_interval(months => ahead);
        month_start := month AT TIME ZONE 'UTC';
        month_end := (month + interval '1 month') AT TIME ZONE 'UTC';
        partition := 'logs_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('audit.' || partition) IS NOT NULL;
        -- Entries that already went to the default partition stay there, and so does the rest of their month.
        SELECT EXISTS (
            SELECT FROM audit.logs_default WHERE created_at >= month_start AND created_at < month_end
        ) INTO occupied;
        CONTINUE WHEN occupied;
        EXECUTE format(
            'CREATE TABLE audit.%I PARTITION OF audit.logs FOR VALUES FROM (%L) TO (%L)',
            partition, month_start, month_end
        );
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION audit.ensure_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.ensure_partitions(integer) TO trellis_server;

SELECT audit.ensure_partitions(3);

-- Columns whose values must not be copied into the log. A digest of content is no secret.
CREATE FUNCTION audit.is_secret(column_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT column_name LIKE ANY ('{%password%,%secret%,%token%,code_hash,key_hash,sso_config}')
        AND column_name NOT LIKE ALL ('{%token_count,%_tokens}')
$$;

-- Who acts, and how, comes from transaction settings: app.actor_type, app.actor_id, app.request_id, app.ip and
-- app.user_agent. Without them it was the system. A setting of an earlier transaction reads as an empty string.
CREATE FUNCTION audit.write(
    table_schema text, table_name text, verb text, resource uuid,
    organization uuid, project uuid, space uuid, changes jsonb, sensitive boolean
) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO audit.logs (
        actor_type, actor_id, actor_ip, actor_user_agent, organization_id, project_id, space_id,
        action, resource_schema, resource_type, resource_id, changes, request_id, sensitive
    ) VALUES (
        coalesce(nullif(current_setting('app.actor_type', true), ''), 'system'),
        nullif(current_setting('app.actor_id', true), '')::uuid,
        nullif(current_setting('app.ip', true), '')::inet,
        nullif(current_setting('app.user_agent', true), ''),
        organization, project, space,
        table_name || '.' || verb, table_schema, table_name, resource, changes,
        nullif(current_setting('app.request_id', true), '')::uuid,
        sensitive
    )
$$;

-- Records one changed row as `{column: {old, new}}`. The arguments name columns whose changes are not worth an
-- entry. Secrets show that they changed, and not what they are.
CREATE FUNCTION audit.record() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    subject jsonb := coalesce(new_row, old_row);
    changes jsonb;
    secrets boolean;
BEGIN
    SELECT
        jsonb_object_agg(key, CASE TG_OP
            WHEN 'INSERT' THEN jsonb_build_object('new', new_value)
            WHEN 'DELETE' THEN jsonb_build_object('old', old_value)
            ELSE jsonb_build_object('old', old_value, 'new', new_value)
        END),
        bool_or(secret)
    INTO changes, secrets
    FROM (
        SELECT
            key,
            secret,
            CASE WHEN secret AND old_value <> 'null' THEN '"[redacted]"' ELSE old_value END AS old_value,
            CASE WHEN secret AND new_value <> 'null' THEN '"[redacted]"' ELSE new_value END AS new_value
        FROM (
            SELECT key, old_row -> key AS old_value, new_row -> key AS new_value, audit.is_secret(key) AS secret
            FROM jsonb_object_keys(subject) AS key
        ) AS columns
        WHERE coalesce(old_value, 'null') <> coalesce(new_value, 'null')
            AND (TG_OP <> 'UPDATE' OR key <> 'updated_at' AND key <> ALL (coalesce(TG_ARGV, '{}')))
    ) AS changed;

    IF TG_OP = 'UPDATE' AND changes IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM audit.write(
        TG_TABLE_SCHEMA,
        TG_TABLE_NAME,
        CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END,
        coalesce(subject ->> 'id', subject ->> 'document_id', subject ->> 'user_id')::uuid,
        (subject ->> CASE TG_TABLE_NAME WHEN 'organizations' THEN 'id' ELSE 'organization_id' END)::uuid,
        (subject ->> CASE TG_TABLE_NAME WHEN 'projects' THEN 'id' ELSE 'project_id' END)::uuid,
        (subject ->> CASE TG_TABLE_NAME WHEN 'spaces' THEN 'id' ELSE 'space_id' END)::uuid,
        changes,
        TG_TABLE_SCHEMA = 'identity' OR coalesce(secrets, false)
    );
    RETURN NULL;
END
$$;
