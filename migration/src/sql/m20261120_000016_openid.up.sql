-- Signing in through other providers: who is on the way to one, which provider opened a session and for which domain it
-- vouched, and organizations whose data only such sessions reach.

-- Whose word the connection rests on. If the provider of this name is one day another issuer, its subjects are others.
ALTER TABLE identity.oauth_connections
    ADD COLUMN issuer text NOT NULL CONSTRAINT oauth_connections_issuer_length CHECK (char_length(issuer) <= 2000),
    -- The address that the provider told when it was used last, for its owner to recognise it by. Nobody is found by it.
    ADD COLUMN email varchar(320),
    ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now();
DROP INDEX identity.oauth_connections_user_idx;
CREATE INDEX oauth_connections_user_idx ON identity.oauth_connections (user_id, created_at, id);

ALTER TABLE identity.sessions
    ADD COLUMN provider varchar(50),
    ADD COLUMN provider_domain varchar(255),
    ADD COLUMN oauth_connection_id uuid CONSTRAINT sessions_oauth_connection_fkey
        REFERENCES identity.oauth_connections ON DELETE SET NULL,
    -- Opened for the access tokens of another issuer: there is no refresh token.
    ADD COLUMN is_foreign boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT sessions_domain_has_provider CHECK (provider_domain IS NULL OR provider IS NOT NULL);
CREATE INDEX sessions_oauth_connection_idx ON identity.sessions (oauth_connection_id) WHERE oauth_connection_id IS NOT NULL;

ALTER TABLE identity.sign_in_challenges
    ADD COLUMN provider varchar(50),
    ADD COLUMN provider_domain varchar(255),
    ADD COLUMN oauth_connection_id uuid CONSTRAINT sign_in_challenges_oauth_connection_fkey
        REFERENCES identity.oauth_connections ON DELETE CASCADE;
CREATE INDEX sign_in_challenges_oauth_connection_idx ON identity.sign_in_challenges (oauth_connection_id)
    WHERE oauth_connection_id IS NOT NULL;

-- Somebody was sent to a provider and is awaited. What they were sent with is known by its hash, or made anew from what
-- their browser keeps.
CREATE TABLE identity.openid_journeys (
    id uuid CONSTRAINT openid_journeys_pkey PRIMARY KEY,
    provider varchar(50) NOT NULL,
    purpose text NOT NULL CONSTRAINT openid_journeys_purpose_values
        CHECK (purpose IN ('sign_in', 'link', 'reauthenticate')),
    session_id uuid CONSTRAINT openid_journeys_session_fkey REFERENCES identity.sessions ON DELETE CASCADE,
    callback text NOT NULL,
    state_token_hash bytea NOT NULL CONSTRAINT openid_journeys_state_key UNIQUE,
    browser_token_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT openid_journeys_expires_after_creation CHECK (expires_at > created_at),
    CONSTRAINT openid_journeys_only_sign_in_has_no_session CHECK ((purpose = 'sign_in') = (session_id IS NULL))
);
CREATE INDEX openid_journeys_session_idx ON identity.openid_journeys (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX openid_journeys_expires_idx ON identity.openid_journeys (expires_at);
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.openid_journeys
    FOR EACH ROW EXECUTE FUNCTION audit.record('used_at');

-- sso_enabled: whether nobody reaches the organization but by its provider.
ALTER TABLE tenancy.organizations
    ADD COLUMN sso_auto_join boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT organizations_sso_has_provider CHECK (
        NOT (sso_enabled OR sso_auto_join) OR (sso_provider IS NOT NULL AND cardinality(allowed_email_domains) > 0)
    );
CREATE INDEX organizations_sso_provider_idx ON tenancy.organizations (sso_provider)
    WHERE sso_provider IS NOT NULL AND deleted_at IS NULL;

CREATE FUNCTION tenancy.bump_single_sign_on() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM platform.bump_grants(ARRAY(
        SELECT new_rows.id FROM new_rows JOIN old_rows USING (id)
        WHERE (new_rows.sso_enabled, new_rows.sso_provider, new_rows.allowed_email_domains)
            IS DISTINCT FROM (old_rows.sso_enabled, old_rows.sso_provider, old_rows.allowed_email_domains)
    ));
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_single_sign_on AFTER UPDATE ON tenancy.organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_single_sign_on();
