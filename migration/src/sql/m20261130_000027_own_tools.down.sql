DELETE FROM governance.approvals WHERE server_id IS NULL;

DROP INDEX governance.approvals_pending_key;
CREATE UNIQUE INDEX approvals_pending_key
    ON governance.approvals (requested_by, server_id, tool_name, arguments_hash, pin) WHERE state = 'pending';

DROP TRIGGER set_server ON governance.approvals;
CREATE TRIGGER set_server BEFORE INSERT ON governance.approvals
    FOR EACH ROW EXECUTE FUNCTION governance.set_server();
DROP FUNCTION governance.set_called_server();

ALTER TABLE governance.approvals
    DROP CONSTRAINT approvals_project_fkey,
    DROP COLUMN server_name,
    ALTER COLUMN server_id SET NOT NULL;
