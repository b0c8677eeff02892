-- A policy of a server speaks of the server by its name, so that another name is another set of policies.
CREATE TRIGGER bump_policy_set AFTER UPDATE OF name ON governance.mcp_servers
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION governance.bump_policy_set();
