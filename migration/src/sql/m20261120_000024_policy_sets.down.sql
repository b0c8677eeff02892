DROP TRIGGER bump_policy_set ON governance.mcp_servers;
