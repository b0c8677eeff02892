DROP INDEX platform.outbox_project_idx;

CREATE INDEX mcp_scans_version_idx ON governance.mcp_scans (version_id);
DROP INDEX governance.mcp_scans_newest_idx;

DROP TRIGGER audit ON governance.mcp_discoveries;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.mcp_discoveries
    FOR EACH ROW EXECUTE FUNCTION audit.record();

DROP INDEX governance.mcp_discoveries_succeeded_idx;
DROP INDEX governance.mcp_discoveries_running_key;
ALTER TABLE governance.mcp_discoveries DROP COLUMN occasion;
