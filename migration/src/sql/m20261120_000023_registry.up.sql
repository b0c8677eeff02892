-- What the registry of MCP servers needs beside its tables: one run of discovery at a time for each server, why it was
-- begun, and the events of a project.

ALTER TABLE governance.mcp_discoveries
    ADD COLUMN occasion text NOT NULL DEFAULT 'requested' CONSTRAINT mcp_discoveries_occasion_values
        CHECK (occasion IN ('requested', 'health_check', 'scheduled'));
CREATE UNIQUE INDEX mcp_discoveries_running_key ON governance.mcp_discoveries (server_id) WHERE status = 'running';
CREATE INDEX mcp_discoveries_succeeded_idx ON governance.mcp_discoveries (version_id, created_at DESC, id DESC)
    WHERE status = 'succeeded';

-- What a server said stands in the row, and in full; the log of changes does not repeat it.
DROP TRIGGER audit ON governance.mcp_discoveries;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_discoveries
    FOR EACH ROW EXECUTE FUNCTION audit.record(
        'tools', 'server_info', 'server_capabilities', 'client_capabilities', 'instructions');

CREATE INDEX mcp_scans_newest_idx ON governance.mcp_scans (version_id, created_at DESC, id DESC);
DROP INDEX governance.mcp_scans_version_idx;

CREATE INDEX outbox_project_idx ON platform.outbox (project_id, position) WHERE project_id IS NOT NULL;
