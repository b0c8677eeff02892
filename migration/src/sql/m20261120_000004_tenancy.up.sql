-- Where people work together: organizations, their members, teams, projects and spaces, and what was paid for.

CREATE SCHEMA tenancy;
GRANT USAGE ON SCHEMA tenancy TO trellis_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA tenancy GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trellis_server;

CREATE TABLE tenancy.organizations (
    id uuid CONSTRAINT organizations_pkey PRIMARY KEY,
    name varchar(255) NOT NULL CONSTRAINT organizations_name_not_empty CHECK (btrim(name) <> ''),
    slug varchar(100) NOT NULL CONSTRAINT organizations_slug_format CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    description text CONSTRAINT organizations_description_length CHECK (char_length(description) <= 10000),
    logo_url text CONSTRAINT organizations_logo_url_length CHECK (char_length(logo_url) <= 2048),
    billing_email varchar(320),
    support_email varchar(320),
    settings jsonb NOT NULL DEFAULT '{
        "defaultModel": "claude-3-sonnet",
        "requireMcpApproval": true,
        "auditRetentionDays": 90,
        "membersMayCreateSpaces": true,
        "membersMayCreateProjects": false,
        "defaultSpaceRole": "reader"
    }',
    stripe_customer_id varchar(255),
    sso_enabled boolean NOT NULL DEFAULT false,
    sso_provider varchar(50),
    sso_config jsonb,
    allowed_email_domains text[] NOT NULL DEFAULT '{}',
    plan text NOT NULL DEFAULT 'free' CONSTRAINT organizations_plan_values
        CHECK (plan IN ('free', 'team', 'pro', 'enterprise')),
    status text NOT NULL DEFAULT 'active' CONSTRAINT organizations_status_values
        CHECK (status IN ('active', 'suspended', 'pending')),
    -- The founder. Who may act as an owner says tenancy.members.
    owner_id uuid CONSTRAINT organizations_owner_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX organizations_slug_key ON tenancy.organizations (slug) WHERE deleted_at IS NULL;
CREATE INDEX organizations_status_idx ON tenancy.organizations (status) WHERE deleted_at IS NULL;
CREATE INDEX organizations_owner_idx ON tenancy.organizations (owner_id);
CREATE INDEX organizations_stripe_customer_idx ON tenancy.organizations (stripe_customer_id)
    WHERE stripe_customer_id IS NOT NULL;

CREATE TABLE tenancy.members (
    id uuid CONSTRAINT members_pkey PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT members_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT members_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member' CONSTRAINT members_role_values
        CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    permissions jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'active' CONSTRAINT members_status_values
        CHECK (status IN ('active', 'invited', 'suspended')),
    invited_by uuid CONSTRAINT members_invited_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    invited_at timestamptz,
    accepted_at timestamptz,
    joined_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT members_user_key UNIQUE (organization_id, user_id)
);
CREATE INDEX members_user_idx ON tenancy.members (user_id);
CREATE INDEX members_role_idx ON tenancy.members (organization_id, role);
CREATE INDEX members_created_idx ON tenancy.members (organization_id, created_at, id);

CREATE TABLE tenancy.invitations (
    id uuid CONSTRAINT invitations_pkey PRIMARY KEY,
    organization_id uuid NOT NULL
        CONSTRAINT invitations_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    email varchar(320) NOT NULL CONSTRAINT invitations_email_format
        CHECK (email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+\.[^@.[:space:][:cntrl:]]{2,}$'),
    role text NOT NULL DEFAULT 'member' CONSTRAINT invitations_role_values
        CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    token_hash bytea NOT NULL CONSTRAINT invitations_token_hash_key UNIQUE,
    invited_by uuid CONSTRAINT invitations_invited_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    accepted_by uuid CONSTRAINT invitations_accepted_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    last_sent_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    declined_at timestamptz,
    revoked_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT invitations_expires_after_creation CHECK (expires_at > created_at),
    CONSTRAINT invitations_one_answer CHECK (num_nonnulls(accepted_at, declined_at, revoked_at) <= 1)
);
CREATE UNIQUE INDEX invitations_open_key ON tenancy.invitations (organization_id, lower(email))
    WHERE num_nonnulls(accepted_at, declined_at, revoked_at) = 0;
CREATE INDEX invitations_email_idx ON tenancy.invitations (lower(email))
    WHERE num_nonnulls(accepted_at, declined_at, revoked_at) = 0;
CREATE INDEX invitations_organization_idx ON tenancy.invitations (organization_id, created_at, id);

CREATE TABLE tenancy.teams (
    id uuid CONSTRAINT teams_pkey PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT teams_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    name varchar(255) NOT NULL CONSTRAINT teams_name_not_empty CHECK (btrim(name) <> ''),
    description text CONSTRAINT teams_description_length CHECK (char_length(description) <= 10000),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT teams_organization_id_key UNIQUE (id, organization_id)
);
CREATE UNIQUE INDEX teams_name_key ON tenancy.teams (organization_id, lower(name));
CREATE INDEX teams_created_idx ON tenancy.teams (organization_id, created_at, id);

-- In the tables below the database fills in organization_id, so that it can be relied on and never be wrong.
-- Together with the membership it makes a foreign key: who leaves an organization leaves its teams, projects
-- and spaces in the same statement.
CREATE TABLE tenancy.team_members (
    id uuid CONSTRAINT team_members_pkey PRIMARY KEY,
    team_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    added_by uuid CONSTRAINT team_members_added_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT team_members_user_key UNIQUE (team_id, user_id),
    CONSTRAINT team_members_team_fkey FOREIGN KEY (team_id, organization_id)
        REFERENCES tenancy.teams (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT team_members_member_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES tenancy.members (organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX team_members_member_idx ON tenancy.team_members (user_id, organization_id);

CREATE TABLE tenancy.projects (
    id uuid CONSTRAINT projects_pkey PRIMARY KEY,
    organization_id uuid NOT NULL
        CONSTRAINT projects_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    name varchar(255) NOT NULL CONSTRAINT projects_name_not_empty CHECK (btrim(name) <> ''),
    slug varchar(100) NOT NULL CONSTRAINT projects_slug_format CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    description text CONSTRAINT projects_description_length CHECK (char_length(description) <= 10000),
    settings jsonb NOT NULL DEFAULT '{
        "allowedModels": ["claude-3-opus", "claude-3-sonnet", "claude-3-haiku"],
        "defaultModel": "claude-3-sonnet",
        "mcpAutoApprove": false
    }',
    quotas jsonb NOT NULL DEFAULT '{
        "maxTokensPerDay": null,
        "maxCostPerDayUsd": null,
        "maxRequestsPerMinute": 100
    }',
    status text NOT NULL DEFAULT 'active' CONSTRAINT projects_status_values
        CHECK (status IN ('active', 'paused', 'archived')),
    created_by uuid CONSTRAINT projects_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT projects_organization_id_key UNIQUE (id, organization_id)
);
CREATE UNIQUE INDEX projects_slug_key ON tenancy.projects (organization_id, slug) WHERE deleted_at IS NULL;
CREATE INDEX projects_created_idx ON tenancy.projects (organization_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX projects_name_idx ON tenancy.projects (organization_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX projects_updated_idx ON tenancy.projects (organization_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX projects_status_idx ON tenancy.projects (organization_id, status) WHERE deleted_at IS NULL;

CREATE TABLE tenancy.project_members (
    id uuid CONSTRAINT project_members_pkey PRIMARY KEY,
    project_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid,
    team_id uuid,
    role text NOT NULL DEFAULT 'viewer' CONSTRAINT project_members_role_values
        CHECK (role IN ('admin', 'developer', 'viewer')),
    added_by uuid CONSTRAINT project_members_added_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT project_members_one_grantee CHECK (num_nonnulls(user_id, team_id) = 1),
    CONSTRAINT project_members_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT project_members_member_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES tenancy.members (organization_id, user_id) ON DELETE CASCADE,
    CONSTRAINT project_members_team_fkey FOREIGN KEY (team_id, organization_id)
        REFERENCES tenancy.teams (id, organization_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX project_members_user_key ON tenancy.project_members (project_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX project_members_team_key ON tenancy.project_members (project_id, team_id) WHERE team_id IS NOT NULL;
CREATE INDEX project_members_created_idx ON tenancy.project_members (project_id, created_at, id);
CREATE INDEX project_members_user_idx ON tenancy.project_members (user_id, organization_id) WHERE user_id IS NOT NULL;
CREATE INDEX project_members_team_idx ON tenancy.project_members (team_id) WHERE team_id IS NOT NULL;

CREATE TABLE tenancy.spaces (
    id uuid CONSTRAINT spaces_pkey PRIMARY KEY,
    user_id uuid CONSTRAINT spaces_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    organization_id uuid CONSTRAINT spaces_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    project_id uuid,
    name varchar(255) NOT NULL CONSTRAINT spaces_name_not_empty CHECK (btrim(name) <> ''),
    slug varchar(100) NOT NULL CONSTRAINT spaces_slug_format CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    description text CONSTRAINT spaces_description_length CHECK (char_length(description) <= 10000),
    icon varchar(100),
    color varchar(7) CONSTRAINT spaces_color_format CHECK (color ~* '^#[0-9a-f]{6}$'),
    privacy text NOT NULL DEFAULT 'private' CONSTRAINT spaces_privacy_values CHECK (privacy IN ('private', 'open')),
    -- What every active member of the organization may do in an open space.
    default_role text NOT NULL DEFAULT 'reader' CONSTRAINT spaces_default_role_values
        CHECK (default_role IN ('reader', 'commenter', 'editor')),
    is_personal boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT '{"defaultDocumentVisibility": "space"}',
    created_by uuid CONSTRAINT spaces_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT spaces_one_owner CHECK (num_nonnulls(user_id, organization_id) = 1),
    CONSTRAINT spaces_personal_has_user CHECK (NOT is_personal OR user_id IS NOT NULL),
    CONSTRAINT spaces_project_has_organization CHECK (project_id IS NULL OR organization_id IS NOT NULL),
    CONSTRAINT spaces_open_has_organization CHECK (privacy <> 'open' OR organization_id IS NOT NULL),
    CONSTRAINT spaces_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE SET NULL (project_id)
);
CREATE UNIQUE INDEX spaces_user_slug_key ON tenancy.spaces (user_id, slug)
    WHERE user_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX spaces_organization_slug_key ON tenancy.spaces (organization_id, slug)
    WHERE organization_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX spaces_personal_key ON tenancy.spaces (user_id) WHERE is_personal;
CREATE INDEX spaces_user_idx ON tenancy.spaces (user_id, created_at, id) WHERE user_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX spaces_created_idx ON tenancy.spaces (organization_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX spaces_name_idx ON tenancy.spaces (organization_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX spaces_updated_idx ON tenancy.spaces (organization_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX spaces_project_idx ON tenancy.spaces (project_id, created_at, id) WHERE project_id IS NOT NULL;

CREATE TABLE tenancy.space_members (
    id uuid CONSTRAINT space_members_pkey PRIMARY KEY,
    space_id uuid NOT NULL CONSTRAINT space_members_space_fkey REFERENCES tenancy.spaces ON DELETE CASCADE,
    organization_id uuid,
    user_id uuid CONSTRAINT space_members_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    team_id uuid,
    role text NOT NULL DEFAULT 'reader' CONSTRAINT space_members_role_values
        CHECK (role IN ('manager', 'editor', 'commenter', 'reader')),
    added_by uuid CONSTRAINT space_members_added_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT space_members_one_grantee CHECK (num_nonnulls(user_id, team_id) = 1),
    CONSTRAINT space_members_team_has_organization CHECK (team_id IS NULL OR organization_id IS NOT NULL),
    CONSTRAINT space_members_member_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES tenancy.members (organization_id, user_id) ON DELETE CASCADE,
    CONSTRAINT space_members_team_fkey FOREIGN KEY (team_id, organization_id)
        REFERENCES tenancy.teams (id, organization_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX space_members_user_key ON tenancy.space_members (space_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX space_members_team_key ON tenancy.space_members (space_id, team_id) WHERE team_id IS NOT NULL;
CREATE INDEX space_members_created_idx ON tenancy.space_members (space_id, created_at, id);
CREATE INDEX space_members_user_idx ON tenancy.space_members (user_id, organization_id) WHERE user_id IS NOT NULL;
CREATE INDEX space_members_team_idx ON tenancy.space_members (team_id) WHERE team_id IS NOT NULL;

CREATE TABLE tenancy.subscriptions (
    id uuid CONSTRAINT subscriptions_pkey PRIMARY KEY,
    organization_id uuid CONSTRAINT subscriptions_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE
        CONSTRAINT subscriptions_organization_key UNIQUE,
    user_id uuid CONSTRAINT subscriptions_user_fkey REFERENCES identity.users ON DELETE CASCADE
        CONSTRAINT subscriptions_user_key UNIQUE,
    plan text NOT NULL DEFAULT 'free' CONSTRAINT subscriptions_plan_values
        CHECK (plan IN ('free', 'team', 'pro', 'enterprise')),
    stripe_subscription_id varchar(255),
    stripe_price_id varchar(255),
    billing_cycle text NOT NULL DEFAULT 'monthly' CONSTRAINT subscriptions_billing_cycle_values
        CHECK (billing_cycle IN ('monthly', 'yearly')),
    status text NOT NULL DEFAULT 'active' CONSTRAINT subscriptions_status_values
        CHECK (status IN ('active', 'past_due', 'canceled', 'trialing')),
    current_period_start timestamptz,
    current_period_end timestamptz,
    trial_end timestamptz,
    canceled_at timestamptz,
    limits jsonb NOT NULL DEFAULT '{
        "maxUsers": 5,
        "maxProjects": 3,
        "maxTokensPerMonth": 1000000,
        "maxMcpServers": 10
    }',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_one_owner CHECK (num_nonnulls(organization_id, user_id) = 1)
);
CREATE INDEX subscriptions_stripe_idx ON tenancy.subscriptions (stripe_subscription_id)
    WHERE stripe_subscription_id IS NOT NULL;
CREATE INDEX subscriptions_status_idx ON tenancy.subscriptions (status);

ALTER TABLE identity.sessions
    ADD CONSTRAINT sessions_active_organization_fkey FOREIGN KEY (active_organization_id)
        REFERENCES tenancy.organizations ON DELETE SET NULL,
    ADD CONSTRAINT sessions_active_space_fkey FOREIGN KEY (active_space_id)
        REFERENCES tenancy.spaces ON DELETE SET NULL;

CREATE FUNCTION tenancy.set_organization() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A branch that is not taken is not planned, so it may name a column that its table lacks.
    IF TG_ARGV[0] = 'team' THEN
        NEW.organization_id := (SELECT organization_id FROM tenancy.teams WHERE id = NEW.team_id);
    ELSIF TG_ARGV[0] = 'project' THEN
        NEW.organization_id := (SELECT organization_id FROM tenancy.projects WHERE id = NEW.project_id);
    ELSE
        NEW.organization_id := (SELECT organization_id FROM tenancy.spaces WHERE id = NEW.space_id);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF team_id, organization_id ON tenancy.team_members
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('team');
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF project_id, organization_id ON tenancy.project_members
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('project');
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF space_id, organization_id ON tenancy.space_members
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('space');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.organizations
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.members
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.invitations
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.teams
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.team_members
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.projects
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.project_members
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.spaces
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.space_members
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.subscriptions
    FOR EACH ROW EXECUTE FUNCTION audit.record();
