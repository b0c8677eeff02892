-- The tools an AI may use and what is decided about them: keys, secrets, the registry of MCP servers, policies,
-- decisions and approvals. What is used and what it may cost stands in metering.

CREATE SCHEMA governance;
GRANT USAGE ON SCHEMA governance TO trellis_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA governance GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trellis_server;
CREATE SCHEMA metering;
GRANT USAGE ON SCHEMA metering TO trellis_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA metering GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trellis_server;

-- A key of a project or of a person. The key itself is shown once and never stored.
CREATE TABLE governance.api_keys (
    id uuid CONSTRAINT api_keys_pkey PRIMARY KEY,
    user_id uuid CONSTRAINT api_keys_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    organization_id uuid,
    project_id uuid,
    -- A key never reaches further than its creator does now, so it goes with the creator.
    created_by uuid NOT NULL CONSTRAINT api_keys_created_by_fkey REFERENCES identity.users ON DELETE CASCADE,
    name varchar(255) NOT NULL CONSTRAINT api_keys_name_not_empty CHECK (btrim(name) <> ''),
    description text CONSTRAINT api_keys_description_length CHECK (char_length(description) <= 10000),
    key_prefix varchar(20) NOT NULL CONSTRAINT api_keys_prefix_format CHECK (key_prefix ~ '^tr_(live|test)_'),
    key_hash bytea NOT NULL CONSTRAINT api_keys_key_hash_key UNIQUE
        CONSTRAINT api_keys_key_hash_length CHECK (octet_length(key_hash) = 32),
    scopes text[] NOT NULL CONSTRAINT api_keys_scopes_not_empty CHECK (cardinality(scopes) > 0),
    allowed_networks inet[] NOT NULL DEFAULT '{}',
    last_used_at timestamptz,
    last_used_ip inet,
    usage_count bigint NOT NULL DEFAULT 0 CONSTRAINT api_keys_usage_count_not_negative CHECK (usage_count >= 0),
    expires_at timestamptz,
    -- The key that took the place of this one, which works until then.
    rotated_into_id uuid CONSTRAINT api_keys_rotated_into_fkey REFERENCES governance.api_keys ON DELETE SET NULL,
    grace_ends_at timestamptz,
    revoked_at timestamptz,
    revoked_by uuid CONSTRAINT api_keys_revoked_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_keys_one_owner CHECK (num_nonnulls(user_id, project_id) = 1),
    CONSTRAINT api_keys_project_has_organization CHECK ((project_id IS NULL) = (organization_id IS NULL)),
    CONSTRAINT api_keys_personal_is_its_creators CHECK (user_id IS NULL OR user_id = created_by),
    CONSTRAINT api_keys_expires_after_creation CHECK (expires_at > created_at),
    CONSTRAINT api_keys_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT api_keys_member_fkey FOREIGN KEY (organization_id, created_by)
        REFERENCES tenancy.members (organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX api_keys_project_idx ON governance.api_keys (project_id, created_at, id) WHERE project_id IS NOT NULL;
CREATE INDEX api_keys_user_idx ON governance.api_keys (user_id, created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX api_keys_creator_idx ON governance.api_keys (created_by, organization_id);
CREATE INDEX api_keys_expires_idx ON governance.api_keys (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_rotated_into_idx ON governance.api_keys (rotated_into_id) WHERE rotated_into_id IS NOT NULL;
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF project_id, organization_id ON governance.api_keys
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('project');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.api_keys
    FOR EACH ROW EXECUTE FUNCTION audit.record('last_used_at', 'last_used_ip', 'usage_count');

-- Sealed with a key of its own, which is sealed with the key of the environment that wrapping_version names.
CREATE TABLE governance.secrets (
    id uuid CONSTRAINT secrets_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    name varchar(100) NOT NULL CONSTRAINT secrets_name_format CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_]*$'),
    sealed_secret bytea NOT NULL,
    wrapped_secret_key bytea NOT NULL,
    wrapping_version integer NOT NULL CONSTRAINT secrets_wrapping_version_positive CHECK (wrapping_version > 0),
    created_by uuid CONSTRAINT secrets_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT secrets_name_key UNIQUE (project_id, name),
    CONSTRAINT secrets_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE
);
CREATE INDEX secrets_wrapping_idx ON governance.secrets (wrapping_version);
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF project_id, organization_id ON governance.secrets
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('project');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.secrets
    FOR EACH ROW EXECUTE FUNCTION audit.record();

CREATE TABLE governance.mcp_servers (
    id uuid CONSTRAINT mcp_servers_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    registered_by uuid CONSTRAINT mcp_servers_registered_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    -- Policies name tools as server/tool, so a server's name holds no slash and no sign of a pattern.
    name varchar(255) NOT NULL CONSTRAINT mcp_servers_name_format CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'),
    description text CONSTRAINT mcp_servers_description_length CHECK (char_length(description) <= 10000),
    status text NOT NULL DEFAULT 'pending' CONSTRAINT mcp_servers_status_values
        CHECK (status IN ('pending', 'approved', 'rejected', 'deprecated')),
    submitted_by uuid CONSTRAINT mcp_servers_submitted_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    submitted_at timestamptz,
    approved_by uuid CONSTRAINT mcp_servers_approved_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    approved_at timestamptz,
    rejection_reason text CONSTRAINT mcp_servers_rejection_reason_length CHECK (char_length(rejection_reason) <= 10000),
    -- Apart from the status: what is approved may be out of reach.
    health text NOT NULL DEFAULT 'unknown' CONSTRAINT mcp_servers_health_values
        CHECK (health IN ('unknown', 'healthy', 'degraded', 'unreachable')),
    health_checked_at timestamptz,
    health_error text,
    is_enabled boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT mcp_servers_project_key UNIQUE (id, project_id),
    CONSTRAINT mcp_servers_approved_has_time
        CHECK (status NOT IN ('approved', 'deprecated') OR approved_at IS NOT NULL),
    CONSTRAINT mcp_servers_rejected_has_reason CHECK (status <> 'rejected' OR btrim(rejection_reason) <> ''),
    CONSTRAINT mcp_servers_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX mcp_servers_name_key ON governance.mcp_servers (project_id, name) WHERE deleted_at IS NULL;
CREATE INDEX mcp_servers_created_idx ON governance.mcp_servers (project_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX mcp_servers_status_idx ON governance.mcp_servers (project_id, status, id) WHERE deleted_at IS NULL;
CREATE INDEX mcp_servers_health_idx ON governance.mcp_servers (health_checked_at NULLS FIRST)
    WHERE deleted_at IS NULL AND is_enabled AND status = 'approved';
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF project_id, organization_id ON governance.mcp_servers
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('project');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_servers
    FOR EACH ROW EXECUTE FUNCTION audit.record('health', 'health_checked_at', 'health_error');

-- The rows below belong to a server and take its project and organization from it.
CREATE FUNCTION governance.set_server() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT servers.project_id, servers.organization_id INTO NEW.project_id, NEW.organization_id
    FROM governance.mcp_servers AS servers WHERE servers.id = NEW.server_id;
    RETURN NEW;
END
$$;

CREATE FUNCTION governance.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%.% keeps what was written: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- How a server is reached. A version is never changed: another way is another version.
CREATE TABLE governance.mcp_server_versions (
    id uuid CONSTRAINT mcp_server_versions_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    server_id uuid NOT NULL CONSTRAINT mcp_server_versions_server_fkey
        REFERENCES governance.mcp_servers ON DELETE CASCADE,
    number integer NOT NULL CONSTRAINT mcp_server_versions_number_positive CHECK (number > 0),
    -- The version that the server's maker gave it.
    label varchar(255),
    transport_type text NOT NULL CONSTRAINT mcp_server_versions_transport_type_values
        CHECK (transport_type IN ('stdio', 'sse', 'http')),
    -- stdio: command and arguments; else the address and headers. A secret stands here as a reference only.
    transport_config jsonb NOT NULL,
    environment jsonb NOT NULL DEFAULT '{}',
    manifest jsonb,
    manifest_url text CONSTRAINT mcp_server_versions_manifest_url_length CHECK (char_length(manifest_url) <= 2048),
    created_by uuid CONSTRAINT mcp_server_versions_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mcp_server_versions_number_key UNIQUE (server_id, number),
    CONSTRAINT mcp_server_versions_server_key UNIQUE (id, server_id)
);
CREATE TRIGGER set_server BEFORE INSERT ON governance.mcp_server_versions
    FOR EACH ROW EXECUTE FUNCTION governance.set_server();
-- Only who made it may be forgotten.
CREATE TRIGGER versions_are_immutable BEFORE UPDATE OF server_id, number, label, transport_type, transport_config,
    environment, manifest, manifest_url ON governance.mcp_server_versions
    FOR EACH ROW EXECUTE FUNCTION governance.refuse_change();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_server_versions
    FOR EACH ROW EXECUTE FUNCTION audit.record();

ALTER TABLE governance.mcp_servers
    ADD COLUMN current_version_id uuid,
    ADD COLUMN approved_version_id uuid,
    ADD CONSTRAINT mcp_servers_current_version_fkey FOREIGN KEY (current_version_id, id)
        REFERENCES governance.mcp_server_versions (id, server_id) ON DELETE SET NULL (current_version_id)
        DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT mcp_servers_approved_version_fkey FOREIGN KEY (approved_version_id, id)
        REFERENCES governance.mcp_server_versions (id, server_id) ON DELETE SET NULL (approved_version_id)
        DEFERRABLE INITIALLY DEFERRED;

-- One real connection to a server, and what it said.
CREATE TABLE governance.mcp_discoveries (
    id uuid CONSTRAINT mcp_discoveries_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    server_id uuid NOT NULL CONSTRAINT mcp_discoveries_server_fkey REFERENCES governance.mcp_servers ON DELETE CASCADE,
    version_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'running' CONSTRAINT mcp_discoveries_status_values
        CHECK (status IN ('running', 'succeeded', 'failed')),
    era text CONSTRAINT mcp_discoveries_era_values CHECK (era IN ('session', 'stateless')),
    protocol_version varchar(20),
    server_info jsonb,
    server_capabilities jsonb,
    -- A server may show different tools to different clients.
    client_capabilities jsonb NOT NULL DEFAULT '{}',
    instructions text,
    tools jsonb,
    tool_count integer CONSTRAINT mcp_discoveries_tool_count_not_negative CHECK (tool_count >= 0),
    duration_ms integer CONSTRAINT mcp_discoveries_duration_not_negative CHECK (duration_ms >= 0),
    error_code varchar(50),
    error_message text,
    started_by uuid CONSTRAINT mcp_discoveries_started_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT mcp_discoveries_running_has_no_end CHECK ((status = 'running') = (ended_at IS NULL)),
    CONSTRAINT mcp_discoveries_version_fkey FOREIGN KEY (version_id, server_id)
        REFERENCES governance.mcp_server_versions (id, server_id) ON DELETE CASCADE
);
CREATE INDEX mcp_discoveries_created_idx ON governance.mcp_discoveries (server_id, created_at DESC, id DESC);
CREATE INDEX mcp_discoveries_version_idx ON governance.mcp_discoveries (version_id);
CREATE TRIGGER set_server BEFORE INSERT ON governance.mcp_discoveries
    FOR EACH ROW EXECUTE FUNCTION governance.set_server();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_discoveries
    FOR EACH ROW EXECUTE FUNCTION audit.record();

CREATE TABLE governance.mcp_tools (
    id uuid CONSTRAINT mcp_tools_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    server_id uuid NOT NULL CONSTRAINT mcp_tools_server_fkey REFERENCES governance.mcp_servers ON DELETE CASCADE,
    name varchar(255) NOT NULL CONSTRAINT mcp_tools_name_not_empty CHECK (name <> ''),
    title text,
    description text,
    input_schema jsonb NOT NULL,
    output_schema jsonb,
    annotations jsonb,
    -- SHA-256 of the canonical form: as it was found last, and as it was approved.
    found_pin bytea NOT NULL CONSTRAINT mcp_tools_found_pin_length CHECK (octet_length(found_pin) = 32),
    approved_pin bytea CONSTRAINT mcp_tools_approved_pin_length CHECK (octet_length(approved_pin) = 32),
    -- What was approved, for the diff.
    approved_tool jsonb,
    drift text CONSTRAINT mcp_tools_drift_values CHECK (
        drift IN ('cosmetic', 'compatible', 'added', 'removed', 'breaking', 'privilege_expanding', 'poisoned')),
    risk_level text NOT NULL CONSTRAINT mcp_tools_risk_level_values
        CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),
    risk_reasons jsonb NOT NULL DEFAULT '[]',
    risk_override text CONSTRAINT mcp_tools_risk_override_values
        CHECK (risk_override IN ('low', 'medium', 'high', 'critical')),
    risk_override_reason text,
    risk_override_by uuid CONSTRAINT mcp_tools_risk_override_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    risk_override_expires_at timestamptz,
    is_enabled boolean NOT NULL DEFAULT true,
    is_present boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mcp_tools_name_key UNIQUE (server_id, name),
    CONSTRAINT mcp_tools_approved_is_whole CHECK ((approved_pin IS NULL) = (approved_tool IS NULL)),
    CONSTRAINT mcp_tools_override_is_whole CHECK (
        risk_override IS NULL AND risk_override_expires_at IS NULL
        OR risk_override IS NOT NULL AND risk_override_expires_at IS NOT NULL AND btrim(risk_override_reason) <> '')
);
CREATE INDEX mcp_tools_project_idx ON governance.mcp_tools (project_id, name, id);
CREATE INDEX mcp_tools_risk_idx ON governance.mcp_tools (server_id, risk_level);
CREATE INDEX mcp_tools_drift_idx ON governance.mcp_tools (project_id, id) WHERE drift IS NOT NULL;
CREATE TRIGGER set_server BEFORE INSERT ON governance.mcp_tools
    FOR EACH ROW EXECUTE FUNCTION governance.set_server();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_tools
    FOR EACH ROW EXECUTE FUNCTION audit.record();

CREATE TABLE governance.mcp_scans (
    id uuid CONSTRAINT mcp_scans_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    server_id uuid NOT NULL CONSTRAINT mcp_scans_server_fkey REFERENCES governance.mcp_servers ON DELETE CASCADE,
    version_id uuid NOT NULL,
    discovery_id uuid CONSTRAINT mcp_scans_discovery_fkey REFERENCES governance.mcp_discoveries ON DELETE SET NULL,
    rules_version integer NOT NULL CONSTRAINT mcp_scans_rules_version_positive CHECK (rules_version > 0),
    verdict text NOT NULL CONSTRAINT mcp_scans_verdict_values
        CHECK (verdict IN ('passed', 'review', 'degraded', 'failed')),
    crashed_checks text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mcp_scans_crash_is_not_passed
        CHECK (cardinality(crashed_checks) = 0 OR verdict IN ('degraded', 'failed')),
    CONSTRAINT mcp_scans_version_fkey FOREIGN KEY (version_id, server_id)
        REFERENCES governance.mcp_server_versions (id, server_id) ON DELETE CASCADE
);
CREATE INDEX mcp_scans_created_idx ON governance.mcp_scans (server_id, created_at DESC, id DESC);
CREATE INDEX mcp_scans_version_idx ON governance.mcp_scans (version_id);
CREATE INDEX mcp_scans_discovery_idx ON governance.mcp_scans (discovery_id) WHERE discovery_id IS NOT NULL;
CREATE TRIGGER set_server BEFORE INSERT ON governance.mcp_scans
    FOR EACH ROW EXECUTE FUNCTION governance.set_server();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_scans
    FOR EACH ROW EXECUTE FUNCTION audit.record();

CREATE TABLE governance.mcp_findings (
    id uuid CONSTRAINT mcp_findings_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    server_id uuid NOT NULL CONSTRAINT mcp_findings_server_fkey REFERENCES governance.mcp_servers ON DELETE CASCADE,
    scan_id uuid NOT NULL CONSTRAINT mcp_findings_scan_fkey REFERENCES governance.mcp_scans ON DELETE CASCADE,
    rule text NOT NULL CONSTRAINT mcp_findings_rule_not_empty CHECK (rule <> ''),
    is_hard boolean NOT NULL,
    place text NOT NULL,
    excerpt text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mcp_findings_scan_idx ON governance.mcp_findings (scan_id, id);
CREATE INDEX mcp_findings_server_idx ON governance.mcp_findings (server_id);
CREATE TRIGGER set_server BEFORE INSERT ON governance.mcp_findings
    FOR EACH ROW EXECUTE FUNCTION governance.set_server();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_findings
    FOR EACH ROW EXECUTE FUNCTION audit.record();

CREATE TABLE governance.policies (
    id uuid CONSTRAINT policies_pkey PRIMARY KEY,
    -- A project's policy names the organization too, and so does a server's its project.
    organization_id uuid NOT NULL
        CONSTRAINT policies_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    project_id uuid,
    server_id uuid,
    name varchar(255) NOT NULL CONSTRAINT policies_name_not_empty CHECK (btrim(name) <> ''),
    description text CONSTRAINT policies_description_length CHECK (char_length(description) <= 10000),
    type text NOT NULL CONSTRAINT policies_type_values CHECK (type IN ('usage', 'access', 'compliance', 'custom')),
    rules jsonb NOT NULL,
    applies_to jsonb NOT NULL DEFAULT '{}',
    priority integer NOT NULL DEFAULT 100,
    status text NOT NULL DEFAULT 'draft' CONSTRAINT policies_status_values
        CHECK (status IN ('active', 'disabled', 'draft')),
    mode text NOT NULL DEFAULT 'enforce' CONSTRAINT policies_mode_values CHECK (mode IN ('enforce', 'monitor')),
    created_by uuid CONSTRAINT policies_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT policies_server_has_project CHECK (server_id IS NULL OR project_id IS NOT NULL),
    CONSTRAINT policies_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT policies_server_fkey FOREIGN KEY (server_id, project_id)
        REFERENCES governance.mcp_servers (id, project_id) ON DELETE CASCADE
);
CREATE INDEX policies_organization_idx ON governance.policies (organization_id, created_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX policies_project_idx ON governance.policies (project_id, created_at, id)
    WHERE project_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX policies_server_idx ON governance.policies (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX policies_type_idx ON governance.policies (organization_id, type, status) WHERE deleted_at IS NULL;
CREATE INDEX policies_priority_idx ON governance.policies (organization_id, priority DESC, id) WHERE deleted_at IS NULL;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.policies
    FOR EACH ROW EXECUTE FUNCTION audit.record();

-- What each version said. Decisions name them, so they are kept as they were.
CREATE TABLE governance.policy_versions (
    id uuid CONSTRAINT policy_versions_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid,
    policy_id uuid NOT NULL CONSTRAINT policy_versions_policy_fkey REFERENCES governance.policies ON DELETE CASCADE,
    number integer NOT NULL CONSTRAINT policy_versions_number_positive CHECK (number > 0),
    name varchar(255) NOT NULL,
    type text NOT NULL CONSTRAINT policy_versions_type_values
        CHECK (type IN ('usage', 'access', 'compliance', 'custom')),
    rules jsonb NOT NULL,
    applies_to jsonb NOT NULL,
    priority integer NOT NULL,
    status text NOT NULL CONSTRAINT policy_versions_status_values CHECK (status IN ('active', 'disabled', 'draft')),
    mode text NOT NULL CONSTRAINT policy_versions_mode_values CHECK (mode IN ('enforce', 'monitor')),
    created_by uuid CONSTRAINT policy_versions_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT policy_versions_number_key UNIQUE (policy_id, number)
);
CREATE TRIGGER versions_are_immutable
    BEFORE UPDATE OF policy_id, number, name, type, rules, applies_to, priority, status, mode
    ON governance.policy_versions
    FOR EACH ROW EXECUTE FUNCTION governance.refuse_change();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.policy_versions
    FOR EACH ROW EXECUTE FUNCTION audit.record();

-- The version of an organization's set of policies: raised with every change, named by every decision.
CREATE TABLE governance.policy_sets (
    organization_id uuid CONSTRAINT policy_sets_pkey PRIMARY KEY
        CONSTRAINT policy_sets_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    version bigint NOT NULL DEFAULT 1
);
CREATE FUNCTION governance.bump_policy_set() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    organization uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.organization_id ELSE NEW.organization_id END;
BEGIN
    -- An organization that is being deleted takes its policies along, and has no set any more.
    INSERT INTO governance.policy_sets AS sets (organization_id)
    SELECT id FROM tenancy.organizations WHERE id = organization
    ON CONFLICT (organization_id) DO UPDATE SET version = sets.version + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_policy_set AFTER INSERT OR UPDATE OR DELETE ON governance.policies
    FOR EACH ROW EXECUTE FUNCTION governance.bump_policy_set();

-- Each decision with its trace: a log of its own, appended to and never changed, and dropped by month.
CREATE TABLE governance.decisions (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid,
    api_key_id uuid,
    server_id uuid,
    tool_name varchar(255),
    model varchar(255),
    action text NOT NULL CONSTRAINT decisions_action_values CHECK (action IN ('call_tool', 'use_model')),
    outcome text NOT NULL CONSTRAINT decisions_outcome_values CHECK (outcome IN ('allow', 'require_approval', 'deny')),
    would_be text CONSTRAINT decisions_would_be_values CHECK (would_be IN ('allow', 'require_approval', 'deny')),
    reason text NOT NULL CONSTRAINT decisions_reason_not_empty CHECK (reason <> ''),
    winner_id uuid,
    policy_set_version bigint NOT NULL,
    input_hash bytea NOT NULL CONSTRAINT decisions_input_hash_length CHECK (octet_length(input_hash) = 32),
    -- Redacted, and enough to decide again unless is_replayable says otherwise.
    input jsonb NOT NULL,
    is_replayable boolean NOT NULL,
    trace jsonb NOT NULL,
    duration_us integer CONSTRAINT decisions_duration_not_negative CHECK (duration_us >= 0),
    request_id uuid,
    CONSTRAINT decisions_pkey PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX decisions_project_idx ON governance.decisions (project_id, created_at DESC, id DESC);
CREATE INDEX decisions_organization_idx ON governance.decisions (organization_id, created_at DESC, id DESC);
CREATE INDEX decisions_outcome_idx ON governance.decisions (project_id, outcome, created_at DESC, id DESC);
CREATE INDEX decisions_user_idx ON governance.decisions (user_id, created_at DESC, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX decisions_winner_idx ON governance.decisions (winner_id, created_at DESC) WHERE winner_id IS NOT NULL;
-- Takes what no month takes, so that a forgotten `trellis maintain` never stops a call.
CREATE TABLE governance.decisions_default PARTITION OF governance.decisions DEFAULT;

-- Creates the partitions of this month and of as many months after it, as audit.ensure_partitions does for the log.
CREATE FUNCTION governance.ensure_partitions(months_ahead integer) RETURNS void
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
REVOKE ALL ON FUNCTION governance.ensure_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION governance.ensure_partitions(integer) TO trellis_server;
SELECT governance.ensure_partitions(3);

CREATE TRIGGER decisions_are_append_only BEFORE UPDATE ON governance.decisions
    FOR EACH ROW EXECUTE FUNCTION governance.refuse_change();

-- Somebody asks to use a tool once, with just these arguments. Silence is a no.
CREATE TABLE governance.approvals (
    id uuid CONSTRAINT approvals_pkey PRIMARY KEY,
    organization_id uuid NOT NULL,
    project_id uuid NOT NULL,
    server_id uuid NOT NULL CONSTRAINT approvals_server_fkey REFERENCES governance.mcp_servers ON DELETE CASCADE,
    tool_name varchar(255) NOT NULL,
    decision_id uuid,
    requested_by uuid NOT NULL CONSTRAINT approvals_requested_by_fkey REFERENCES identity.users ON DELETE CASCADE,
    api_key_id uuid CONSTRAINT approvals_api_key_fkey REFERENCES governance.api_keys ON DELETE CASCADE,
    -- What it is bound to.
    arguments_hash bytea NOT NULL CONSTRAINT approvals_arguments_hash_length CHECK (octet_length(arguments_hash) = 32),
    -- For the approver to read. The call itself brings its arguments again.
    redacted_arguments jsonb NOT NULL,
    pin bytea NOT NULL CONSTRAINT approvals_pin_length CHECK (octet_length(pin) = 32),
    policy_id uuid,
    policy_version integer,
    state text NOT NULL DEFAULT 'pending' CONSTRAINT approvals_state_values
        CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'consumed', 'withdrawn')),
    message text CONSTRAINT approvals_message_length CHECK (char_length(message) <= 2000),
    decided_by uuid CONSTRAINT approvals_decided_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    decided_at timestamptz,
    decision_reason text CONSTRAINT approvals_decision_reason_length CHECK (char_length(decision_reason) <= 2000),
    consumed_at timestamptz,
    expires_at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT approvals_expires_after_creation CHECK (expires_at > created_at),
    CONSTRAINT approvals_approver_is_another CHECK (state = 'withdrawn' OR decided_by <> requested_by),
    CONSTRAINT approvals_decided_has_time
        CHECK (state NOT IN ('approved', 'denied', 'consumed') OR decided_at IS NOT NULL),
    CONSTRAINT approvals_consumed_has_time CHECK ((state = 'consumed') = (consumed_at IS NOT NULL))
);
-- The same call is not asked for twice at a time.
CREATE UNIQUE INDEX approvals_pending_key
    ON governance.approvals (requested_by, server_id, tool_name, arguments_hash, pin) WHERE state = 'pending';
CREATE INDEX approvals_pending_idx ON governance.approvals (project_id, created_at, id) WHERE state = 'pending';
CREATE INDEX approvals_project_idx ON governance.approvals (project_id, created_at DESC, id DESC);
CREATE INDEX approvals_requester_idx ON governance.approvals (requested_by, created_at DESC, id DESC);
CREATE INDEX approvals_server_idx ON governance.approvals (server_id);
CREATE INDEX approvals_api_key_idx ON governance.approvals (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX approvals_expires_idx ON governance.approvals (expires_at) WHERE state IN ('pending', 'approved');
CREATE TRIGGER set_server BEFORE INSERT ON governance.approvals
    FOR EACH ROW EXECUTE FUNCTION governance.set_server();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.approvals
    FOR EACH ROW EXECUTE FUNCTION audit.record();

-- A limit in one calendar window, for one subject. used and reserved are held under the row's lock, so that callers at
-- the same time are never admitted beyond the amount.
CREATE TABLE metering.budgets (
    id uuid CONSTRAINT budgets_pkey PRIMARY KEY,
    organization_id uuid NOT NULL
        CONSTRAINT budgets_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    project_id uuid,
    policy_id uuid NOT NULL CONSTRAINT budgets_policy_fkey REFERENCES governance.policies ON DELETE CASCADE,
    limit_index integer NOT NULL CONSTRAINT budgets_limit_index_not_negative CHECK (limit_index >= 0),
    -- Whose use is counted: the id of an organization, project, user, key, server or tool.
    subject_type text NOT NULL CONSTRAINT budgets_subject_type_values
        CHECK (subject_type IN ('organization', 'project', 'user', 'key', 'server', 'tool')),
    subject_id uuid NOT NULL,
    measure text NOT NULL CONSTRAINT budgets_measure_values CHECK (measure IN ('requests', 'tokens', 'cost_usd')),
    amount numeric(20, 6) NOT NULL CONSTRAINT budgets_amount_not_negative CHECK (amount >= 0),
    used numeric(20, 6) NOT NULL DEFAULT 0 CONSTRAINT budgets_used_not_negative CHECK (used >= 0),
    reserved numeric(20, 6) NOT NULL DEFAULT 0 CONSTRAINT budgets_reserved_not_negative CHECK (reserved >= 0),
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    -- The thresholds, in percent, that were told in this window: each is told once.
    thresholds_told integer[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT budgets_window_is_forward CHECK (window_end > window_start),
    CONSTRAINT budgets_window_key UNIQUE (policy_id, limit_index, subject_id, window_start),
    CONSTRAINT budgets_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE
);
CREATE INDEX budgets_organization_idx ON metering.budgets (organization_id, window_end, id);
CREATE INDEX budgets_project_idx ON metering.budgets (project_id, window_end, id) WHERE project_id IS NOT NULL;
CREATE INDEX budgets_subject_idx ON metering.budgets (subject_id, window_end);

-- What a call may cost is reserved over all its budgets in one statement, then settled to what it did cost.
CREATE TABLE metering.reservations (
    id uuid CONSTRAINT reservations_pkey PRIMARY KEY,
    budget_id uuid NOT NULL CONSTRAINT reservations_budget_fkey REFERENCES metering.budgets ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    project_id uuid,
    -- The reservations of one call share its decision.
    decision_id uuid NOT NULL,
    estimate numeric(20, 6) NOT NULL CONSTRAINT reservations_estimate_not_negative CHECK (estimate >= 0),
    actual numeric(20, 6) CONSTRAINT reservations_actual_not_negative CHECK (actual >= 0),
    state text NOT NULL DEFAULT 'held' CONSTRAINT reservations_state_values
        CHECK (state IN ('held', 'settled', 'released', 'expired')),
    expires_at timestamptz NOT NULL,
    settled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reservations_call_key UNIQUE (decision_id, budget_id),
    CONSTRAINT reservations_settled_is_whole CHECK ((state = 'settled') = (actual IS NOT NULL)),
    CONSTRAINT reservations_held_has_no_end CHECK ((state = 'held') = (settled_at IS NULL))
);
CREATE INDEX reservations_budget_idx ON metering.reservations (budget_id, created_at);
CREATE INDEX reservations_held_idx ON metering.reservations (expires_at) WHERE state = 'held';

-- What the provider of payments told: each event once, and an older one never undoes a newer one.
CREATE TABLE tenancy.billing_events (
    id varchar(255) CONSTRAINT billing_events_pkey PRIMARY KEY,
    subscription_id uuid CONSTRAINT billing_events_subscription_fkey REFERENCES tenancy.subscriptions ON DELETE CASCADE,
    event_type text NOT NULL CONSTRAINT billing_events_type_not_empty CHECK (event_type <> ''),
    payload_hash bytea NOT NULL CONSTRAINT billing_events_payload_hash_length CHECK (octet_length(payload_hash) = 32),
    outcome text NOT NULL CONSTRAINT billing_events_outcome_values CHECK (outcome IN ('applied', 'stale', 'ignored')),
    happened_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX billing_events_subscription_idx ON tenancy.billing_events (subscription_id, happened_at);
ALTER TABLE tenancy.subscriptions ADD COLUMN last_billing_event_at timestamptz;
DROP INDEX tenancy.subscriptions_stripe_idx;
CREATE UNIQUE INDEX subscriptions_stripe_key ON tenancy.subscriptions (stripe_subscription_id)
    WHERE stripe_subscription_id IS NOT NULL;
