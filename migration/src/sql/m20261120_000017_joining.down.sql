DROP TABLE tenancy.join_requests;
DROP INDEX tenancy.spaces_listed_idx;
ALTER TABLE tenancy.spaces DROP CONSTRAINT spaces_listed_has_organization, DROP COLUMN is_listed;
DELETE FROM tenancy.invitations WHERE email IS NULL;
DROP INDEX tenancy.invitations_organization_idx;
CREATE INDEX invitations_organization_idx ON tenancy.invitations (organization_id, created_at, id);
ALTER TABLE tenancy.invitations ALTER COLUMN email SET NOT NULL;
