-- What lists are narrowed by, for those who look for what waits for them or for why something was decided.

-- Over all projects of an organization.
CREATE INDEX mcp_servers_organization_idx ON governance.mcp_servers (organization_id, created_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX mcp_tools_server_drift_idx ON governance.mcp_tools (server_id) WHERE drift IS NOT NULL;
CREATE INDEX approvals_organization_idx ON governance.approvals (organization_id, created_at DESC, id DESC);
CREATE INDEX approvals_organization_pending_idx ON governance.approvals (organization_id, created_at DESC, id DESC)
    WHERE state = 'pending';

-- What an investigation begins with. A server or a key is of one project or person; the rest is found project by project.
CREATE INDEX decisions_server_idx ON governance.decisions (server_id, created_at DESC, id DESC)
    WHERE server_id IS NOT NULL;
CREATE INDEX decisions_tool_idx ON governance.decisions (project_id, tool_name, created_at DESC, id DESC)
    WHERE tool_name IS NOT NULL;
CREATE INDEX decisions_model_idx ON governance.decisions (project_id, model, created_at DESC, id DESC)
    WHERE model IS NOT NULL;
CREATE INDEX decisions_key_idx ON governance.decisions (api_key_id, created_at DESC, id DESC)
    WHERE api_key_id IS NOT NULL;
CREATE INDEX decisions_reason_idx ON governance.decisions (project_id, reason, created_at DESC, id DESC);
CREATE INDEX decisions_gate_idx
    ON governance.decisions (project_id, (trace #>> '{reason,gate}'), created_at DESC, id DESC) WHERE reason = 'gate';
CREATE INDEX decisions_would_be_idx ON governance.decisions (project_id, would_be, created_at DESC, id DESC)
    WHERE would_be IS NOT NULL;
