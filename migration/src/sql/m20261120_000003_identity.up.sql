-- Who people are: accounts, their settings, and everything that proves who is calling.

CREATE SCHEMA identity;
GRANT USAGE ON SCHEMA identity TO trellis_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA identity GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trellis_server;

CREATE TABLE identity.users (
    id uuid CONSTRAINT users_pkey PRIMARY KEY,
    email varchar(320) NOT NULL CONSTRAINT users_email_format
        CHECK (email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+\.[^@.[:space:][:cntrl:]]{2,}$'),
    email_verified boolean NOT NULL DEFAULT false,
    email_verified_at timestamptz,
    -- Null for someone who only signs in through another provider.
    password_hash text,
    name varchar(255) NOT NULL CONSTRAINT users_name_not_empty CHECK (btrim(name) <> ''),
    first_name varchar(100),
    last_name varchar(100),
    company varchar(255),
    avatar_url text CONSTRAINT users_avatar_url_length CHECK (char_length(avatar_url) <= 2048),
    bio text CONSTRAINT users_bio_length CHECK (char_length(bio) <= 10000),
    role text NOT NULL DEFAULT 'user' CONSTRAINT users_role_values CHECK (role IN ('user', 'premium', 'admin')),
    tier text NOT NULL DEFAULT 'free' CONSTRAINT users_tier_values CHECK (tier IN ('free', 'pro', 'enterprise')),
    subscription_expires_at timestamptz,
    timezone varchar(50) NOT NULL DEFAULT 'UTC',
    locale varchar(35) NOT NULL DEFAULT 'en-US',
    status text NOT NULL DEFAULT 'active' CONSTRAINT users_status_values
        CHECK (status IN ('active', 'suspended', 'pending_verification')),
    mfa_enabled boolean NOT NULL DEFAULT false,
    last_login_at timestamptz,
    last_login_ip inet,
    metadata jsonb NOT NULL DEFAULT '{}' CONSTRAINT users_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object'),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX users_email_key ON identity.users (lower(email)) WHERE deleted_at IS NULL;
CREATE INDEX users_status_idx ON identity.users (status, id) WHERE deleted_at IS NULL;
CREATE INDEX users_role_idx ON identity.users (role, id) WHERE deleted_at IS NULL AND role <> 'user';
CREATE INDEX users_created_idx ON identity.users (created_at DESC, id DESC);
CREATE INDEX users_last_login_idx ON identity.users (last_login_at DESC, id DESC) WHERE last_login_at IS NOT NULL;
CREATE INDEX users_name_search_idx ON identity.users USING gin (to_tsvector('simple', name));

CREATE TABLE identity.user_settings (
    user_id uuid CONSTRAINT user_settings_pkey PRIMARY KEY
        CONSTRAINT user_settings_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    theme text NOT NULL DEFAULT 'light' CONSTRAINT user_settings_theme_values CHECK (theme IN ('light', 'dark', 'auto')),
    language varchar(10) NOT NULL DEFAULT 'en',
    editor_settings jsonb NOT NULL DEFAULT '{
        "fontSize": 14,
        "tabSize": 4,
        "wordWrap": true,
        "lineNumbers": true,
        "syntaxHighlighting": true,
        "autoComplete": true,
        "vimMode": false,
        "keyBindings": "default"
    }',
    render_settings jsonb NOT NULL DEFAULT '{
        "defaultFormat": "html",
        "autoSave": true,
        "autoSaveInterval": 30,
        "includeToc": true,
        "includeStyles": true,
        "theme": "github"
    }',
    notification_settings jsonb NOT NULL DEFAULT '{
        "email": true,
        "browser": true,
        "documentShared": true,
        "systemUpdates": true
    }',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE identity.sessions (
    id uuid CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT sessions_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    -- SHA-256 of the refresh token. The previous one, seen again, betrays a stolen token.
    token_hash bytea NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE,
    previous_token_hash bytea,
    family_id uuid NOT NULL,
    provider_access_token bytea,
    provider_refresh_token bytea,
    user_agent text,
    ip_address inet,
    device_info jsonb NOT NULL DEFAULT '{}',
    active_organization_id uuid,
    active_space_id uuid,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sessions_expires_after_creation CHECK (expires_at > created_at)
);
CREATE UNIQUE INDEX sessions_previous_token_hash_key ON identity.sessions (previous_token_hash)
    WHERE previous_token_hash IS NOT NULL;
CREATE INDEX sessions_user_idx ON identity.sessions (user_id, last_activity_at DESC, id DESC) WHERE revoked_at IS NULL;
CREATE INDEX sessions_family_idx ON identity.sessions (family_id);
CREATE INDEX sessions_expires_idx ON identity.sessions (expires_at);

CREATE TABLE identity.oauth_connections (
    id uuid CONSTRAINT oauth_connections_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT oauth_connections_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    provider varchar(50) NOT NULL,
    provider_id varchar(255) NOT NULL,
    access_token bytea,
    refresh_token bytea,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT oauth_connections_provider_id_key UNIQUE (provider, provider_id)
);
CREATE INDEX oauth_connections_user_idx ON identity.oauth_connections (user_id);

CREATE TABLE identity.mfa_factors (
    id uuid CONSTRAINT mfa_factors_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT mfa_factors_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    kind text NOT NULL DEFAULT 'totp' CONSTRAINT mfa_factors_kind_values CHECK (kind IN ('totp')),
    name varchar(100) NOT NULL,
    secret bytea NOT NULL,
    -- A code is good once: the time step of the last one that was accepted.
    last_used_step bigint,
    last_used_at timestamptz,
    confirmed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mfa_factors_user_idx ON identity.mfa_factors (user_id);

CREATE TABLE identity.recovery_codes (
    id uuid CONSTRAINT recovery_codes_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT recovery_codes_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT recovery_codes_code_key UNIQUE (user_id, code_hash)
);

CREATE TABLE identity.verification_tokens (
    id uuid CONSTRAINT verification_tokens_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT verification_tokens_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    purpose text NOT NULL CONSTRAINT verification_tokens_purpose_values
        CHECK (purpose IN ('verify_email', 'reset_password', 'change_email')),
    token_hash bytea NOT NULL CONSTRAINT verification_tokens_token_hash_key UNIQUE,
    email varchar(320),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT verification_tokens_expires_after_creation CHECK (expires_at > created_at),
    CONSTRAINT verification_tokens_change_names_email CHECK (purpose <> 'change_email' OR email IS NOT NULL)
);
CREATE INDEX verification_tokens_user_idx ON identity.verification_tokens (user_id, purpose) WHERE used_at IS NULL;
CREATE INDEX verification_tokens_expires_idx ON identity.verification_tokens (expires_at);

-- Each sign-in is an entry of its own, as a session that was created.
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.users
    FOR EACH ROW EXECUTE FUNCTION audit.record('last_login_at', 'last_login_ip');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.user_settings
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.sessions
    FOR EACH ROW EXECUTE FUNCTION audit.record('last_activity_at', 'expires_at');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.oauth_connections
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.mfa_factors
    FOR EACH ROW EXECUTE FUNCTION audit.record('last_used_step', 'last_used_at');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.recovery_codes
    FOR EACH ROW EXECUTE FUNCTION audit.record();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.verification_tokens
    FOR EACH ROW EXECUTE FUNCTION audit.record();
