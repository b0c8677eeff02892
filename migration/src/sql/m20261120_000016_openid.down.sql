DROP TRIGGER bump_grants_on_single_sign_on ON tenancy.organizations;
DROP FUNCTION tenancy.bump_single_sign_on();
DROP INDEX tenancy.organizations_sso_provider_idx;
ALTER TABLE tenancy.organizations DROP CONSTRAINT organizations_sso_has_provider, DROP COLUMN sso_auto_join;
DROP TABLE identity.openid_journeys;
ALTER TABLE identity.sign_in_challenges
    DROP COLUMN oauth_connection_id, DROP COLUMN provider_domain, DROP COLUMN provider;
ALTER TABLE identity.sessions
    DROP CONSTRAINT sessions_domain_has_provider,
    DROP COLUMN is_foreign, DROP COLUMN oauth_connection_id, DROP COLUMN provider_domain, DROP COLUMN provider;
DROP INDEX identity.oauth_connections_user_idx;
CREATE INDEX oauth_connections_user_idx ON identity.oauth_connections (user_id);
ALTER TABLE identity.oauth_connections DROP COLUMN last_used_at, DROP COLUMN email, DROP COLUMN issuer;
