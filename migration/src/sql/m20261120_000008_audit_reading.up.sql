-- What reading the audit log and following it need: whose an entry is when it is no organization's, the transaction that
-- wrote it, an event for each organization of each such transaction, and an index for each way to narrow the list.

-- Entries that are older have neither.
ALTER TABLE audit.logs ADD COLUMN user_id uuid, ADD COLUMN transaction_id xid8;
ALTER TABLE audit.logs ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id();

CREATE INDEX logs_user_idx ON audit.logs (user_id, created_at DESC, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX logs_transaction_idx ON audit.logs (transaction_id);
-- Actions are asked for within an organization only.
DROP INDEX audit.logs_action_idx;
CREATE INDEX logs_organization_action_idx ON audit.logs (organization_id, action, created_at DESC, id DESC)
    WHERE organization_id IS NOT NULL;

-- Adds one event for the organization in this transaction, whoever writes and by whatever way: followers of the log
-- learn from it which transaction's entries to read. It is numbered before the events that the transaction itself tells
-- of, so who follows from a mutation's cursor on is not told of that mutation.
CREATE FUNCTION audit.announce(organization uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    announced text := coalesce(current_setting('app.audited_organizations', true), '');
BEGIN
    IF position(organization::text IN announced) > 0 THEN
        RETURN;
    END IF;
    PERFORM set_config('app.audited_organizations', announced || organization::text, true);
    INSERT INTO platform.outbox (
        event_id, event_type, stream, actor_type, actor_id, resource_type, resource_id, organization_id, payload, request_id
    ) VALUES (
        gen_random_uuid(), 'audit.recorded', 'audit',
        coalesce(nullif(current_setting('app.actor_type', true), ''), 'system'),
        nullif(current_setting('app.actor_id', true), '')::uuid,
        'audit_log', organization, organization,
        -- The moment spares a follower the partitions before it.
        jsonb_build_object('transaction_id', pg_current_xact_id()::text, 'since', now()),
        nullif(current_setting('app.request_id', true), '')::uuid
    );
END
$$;

-- An entry is the organization's or, where there is none, a person's: of the owner of the space, else of the person
-- that the row is about, else of who did it.
DROP FUNCTION audit.write(text, text, text, uuid, uuid, uuid, uuid, jsonb, boolean);
CREATE FUNCTION audit.write(
    table_schema text, table_name text, verb text, resource uuid,
    organization uuid, project uuid, space uuid, changes jsonb, sensitive boolean, person uuid DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor_type text := coalesce(nullif(current_setting('app.actor_type', true), ''), 'system');
    actor_id uuid := nullif(current_setting('app.actor_id', true), '')::uuid;
    whose uuid;
BEGIN
    IF organization IS NULL THEN
        whose := coalesce(
            (SELECT spaces.user_id FROM tenancy.spaces WHERE spaces.id = space),
            person,
            CASE actor_type WHEN 'user' THEN actor_id END
        );
    END IF;
    INSERT INTO audit.logs (
        actor_type, actor_id, actor_ip, actor_user_agent, organization_id, project_id, space_id, user_id,
        action, resource_schema, resource_type, resource_id, changes, request_id, sensitive
    ) VALUES (
        actor_type, actor_id,
        nullif(current_setting('app.ip', true), '')::inet,
        nullif(current_setting('app.user_agent', true), ''),
        organization, project, space, whose,
        table_name || '.' || verb, table_schema, table_name, resource, changes,
        nullif(current_setting('app.request_id', true), '')::uuid,
        sensitive
    );
    IF organization IS NOT NULL THEN
        PERFORM audit.announce(organization);
    END IF;
END
$$;

-- As before, and says whom the row is about.
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
        TG_TABLE_SCHEMA = 'identity' OR coalesce(secrets, false),
        (subject ->> CASE TG_TABLE_NAME WHEN 'users' THEN 'id' ELSE 'user_id' END)::uuid
    );
    RETURN NULL;
END
$$;
