//! Servers whose tools may be called: registered, approved, scanned and pinned, without anything that would answer. They
//! count as looked at, so that no round of rechecking changes them under a test.

use super::fixtures::{new_id, typed, uuid};
use super::world::World;

impl World {
    /// An approved server of the project rocket with these tools; gives its id.
    pub async fn tools(&self, server: &str, tools: &[&str]) -> String {
        let (id, version) = (new_id(), new_id());
        let mut sql = format!(
            "INSERT INTO governance.mcp_servers (id, project_id, organization_id, name, status, approved_at, \
                health_checked_at, current_version_id, approved_version_id) \
             SELECT '{id}', id, organization_id, '{server}', 'approved', now(), now(), '{version}', '{version}' \
             FROM tenancy.projects WHERE id = '{project}'; \
             INSERT INTO governance.mcp_server_versions (id, server_id, organization_id, project_id, number, \
                transport_type, transport_config) \
             SELECT '{version}', '{id}', organization_id, id, 1, 'http', '{{\"url\": \"https://tools.example.com/mcp\", \"headers\": {{}}}}' \
             FROM tenancy.projects WHERE id = '{project}'; \
             INSERT INTO governance.mcp_scans (id, server_id, organization_id, project_id, version_id, rules_version, verdict) \
             SELECT '{scan}', '{id}', organization_id, id, '{version}', 1, 'passed' \
             FROM tenancy.projects WHERE id = '{project}';",
            project = uuid(&self.rocket),
            scan = new_id(),
        );
        for tool in tools {
            sql += &format!(
                "INSERT INTO governance.mcp_tools (id, server_id, organization_id, project_id, name, input_schema, \
                    found_pin, approved_pin, approved_tool, risk_level) \
                 SELECT '{tool_id}', '{id}', organization_id, id, '{tool}', '{{}}', sha256('{tool}'), sha256('{tool}'), \
                    '{{\"name\": \"{tool}\", \"inputSchema\": {{}}}}', 'low' \
                 FROM tenancy.projects WHERE id = '{project}';",
                tool_id = new_id(),
                project = uuid(&self.rocket),
            );
        }
        self.database.run(&sql).await;
        typed("mcp", &id.to_string())
    }
}
