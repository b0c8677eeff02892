ALTER TABLE identity.sessions
    DROP CONSTRAINT sessions_active_organization_fkey,
    DROP CONSTRAINT sessions_active_space_fkey;
DROP SCHEMA tenancy CASCADE;
