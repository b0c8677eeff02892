-- The server's role, the event feed, idempotency, and the versions of grants.

-- Roles belong to the whole cluster, so two databases that migrate at once may both try to create it.
DO $$
BEGIN
    IF to_regrole('trellis_server') IS NULL THEN
        CREATE ROLE trellis_server NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- The migrating user must be able to SET ROLE trellis_server. A superuser already is.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'trellis_server', 'MEMBER') THEN
        EXECUTE format('GRANT trellis_server TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL;
END
$$;

-- What was applied is part of what /health/ready answers.
GRANT SELECT ON public.seaql_migrations TO trellis_server;

CREATE SCHEMA platform;
GRANT USAGE ON SCHEMA platform TO trellis_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA platform GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trellis_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA platform GRANT USAGE, SELECT ON SEQUENCES TO trellis_server;

CREATE TABLE platform.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    -- The relay takes no row whose transaction might still have an older one uncommitted beside it.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint CONSTRAINT outbox_position_key UNIQUE,
    event_id uuid NOT NULL CONSTRAINT outbox_event_id_key UNIQUE,
    event_type text NOT NULL CONSTRAINT outbox_event_type_not_empty CHECK (event_type <> ''),
    stream text NOT NULL CONSTRAINT outbox_stream_values
        CHECK (stream IN ('documents', 'collaboration', 'ai', 'audit')),
    actor_type text NOT NULL CONSTRAINT outbox_actor_type_values
        CHECK (actor_type IN ('user', 'api_key', 'system', 'webhook', 'anonymous')),
    actor_id uuid,
    resource_type text NOT NULL CONSTRAINT outbox_resource_type_not_empty CHECK (resource_type <> ''),
    resource_id uuid NOT NULL,
    organization_id uuid,
    space_id uuid,
    project_id uuid,
    payload jsonb NOT NULL DEFAULT '{}',
    request_id uuid,
    created_at timestamptz NOT NULL DEFAULT now()
)
-- Every row is updated once, when it is placed; the index on unplaced rows must not fill with dead entries.
WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_unpositioned_idx ON platform.outbox (id) WHERE position IS NULL;
CREATE INDEX outbox_resource_idx ON platform.outbox (resource_id, position);
CREATE INDEX outbox_space_idx ON platform.outbox (space_id, position) WHERE space_id IS NOT NULL;
CREATE INDEX outbox_organization_idx ON platform.outbox (organization_id, position) WHERE organization_id IS NOT NULL;
CREATE INDEX outbox_created_idx ON platform.outbox USING brin (created_at);

CREATE TABLE platform.feed (
    id smallint NOT NULL DEFAULT 1 CONSTRAINT feed_pkey PRIMARY KEY CONSTRAINT feed_single_row CHECK (id = 1),
    last_position bigint NOT NULL DEFAULT 0,
    published_position bigint NOT NULL DEFAULT 0,
    CONSTRAINT feed_published_was_given CHECK (published_position <= last_position)
);
INSERT INTO platform.feed DEFAULT VALUES;

CREATE TABLE platform.idempotency_keys (
    viewer_id uuid NOT NULL,
    key text NOT NULL CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255),
    ordinal integer NOT NULL CONSTRAINT idempotency_keys_ordinal_not_negative CHECK (ordinal >= 0),
    viewer_kind text NOT NULL CONSTRAINT idempotency_keys_viewer_kind_values
        CHECK (viewer_kind IN ('user', 'api_key', 'system', 'webhook', 'anonymous')),
    fingerprint bytea NOT NULL,
    -- Null until the write that claimed the key is about to commit.
    outcome jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (viewer_id, key, ordinal)
);
CREATE INDEX idempotency_keys_created_idx ON platform.idempotency_keys (created_at);

CREATE TABLE platform.idempotency_answers (
    viewer_id uuid NOT NULL,
    key text NOT NULL CONSTRAINT idempotency_answers_key_length CHECK (char_length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL,
    status integer NOT NULL CONSTRAINT idempotency_answers_status_is_http CHECK (status BETWEEN 100 AND 599),
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_answers_pkey PRIMARY KEY (viewer_id, key)
);
CREATE INDEX idempotency_answers_created_idx ON platform.idempotency_answers (created_at);

-- A viewer's cached grants hold as long as the versions of the user and of the user's organizations do.
-- A row outlives its subject, so that a version never returns to a number it had.
CREATE TABLE platform.grant_versions (
    subject_id uuid CONSTRAINT grant_versions_pkey PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0
);

-- Sorted, so that two transactions that change grants of the same subjects wait instead of deadlocking.
CREATE FUNCTION platform.bump_grants(subjects uuid[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO platform.grant_versions AS grants (subject_id, version)
    SELECT DISTINCT subject, 1 FROM unnest(subjects) AS subject WHERE subject IS NOT NULL ORDER BY subject
    ON CONFLICT (subject_id) DO UPDATE SET version = grants.version + 1
$$;

CREATE FUNCTION platform.bump_grants(subject uuid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT platform.bump_grants(ARRAY[subject])
$$;
