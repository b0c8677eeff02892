-- Trellis has tools of its own beside those of registered servers. They stand in no table: a request to approve the call
-- of one names the server `trellis` and has no server's id.

ALTER TABLE governance.approvals DISABLE TRIGGER USER;
ALTER TABLE governance.approvals
    ADD COLUMN server_name varchar(255),
    ALTER COLUMN server_id DROP NOT NULL;
UPDATE governance.approvals SET server_name = servers.name
FROM governance.mcp_servers AS servers WHERE servers.id = approvals.server_id;
ALTER TABLE governance.approvals ENABLE TRIGGER USER;
ALTER TABLE governance.approvals
    ALTER COLUMN server_name SET NOT NULL,
    ADD CONSTRAINT approvals_server_name_not_empty CHECK (server_name <> ''),
    ADD CONSTRAINT approvals_server_or_own CHECK (server_id IS NOT NULL OR server_name = 'trellis'),
    -- Where no server says it, the project does.
    ADD CONSTRAINT approvals_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE;

CREATE FUNCTION governance.set_called_server() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.server_id IS NULL THEN
        SELECT projects.organization_id INTO NEW.organization_id
        FROM tenancy.projects AS projects WHERE projects.id = NEW.project_id;
    ELSE
        SELECT servers.project_id, servers.organization_id, servers.name
        INTO NEW.project_id, NEW.organization_id, NEW.server_name
        FROM governance.mcp_servers AS servers WHERE servers.id = NEW.server_id;
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER set_server ON governance.approvals;
CREATE TRIGGER set_server BEFORE INSERT ON governance.approvals
    FOR EACH ROW EXECUTE FUNCTION governance.set_called_server();

-- The same call is not asked for twice at a time.
DROP INDEX governance.approvals_pending_key;
CREATE UNIQUE INDEX approvals_pending_key
    ON governance.approvals (requested_by, project_id, server_id, tool_name, arguments_hash, pin)
    NULLS NOT DISTINCT WHERE state = 'pending';
