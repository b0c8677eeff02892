CREATE OR REPLACE FUNCTION audit.record() RETURNS trigger
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

DROP FUNCTION audit.write(text, text, text, uuid, uuid, uuid, uuid, jsonb, boolean, uuid);
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

DROP FUNCTION audit.announce(uuid);

DROP INDEX audit.logs_organization_action_idx;
CREATE INDEX logs_action_idx ON audit.logs (action, created_at DESC, id DESC);
DROP INDEX audit.logs_transaction_idx;
DROP INDEX audit.logs_user_idx;
ALTER TABLE audit.logs DROP COLUMN transaction_id, DROP COLUMN user_id;
