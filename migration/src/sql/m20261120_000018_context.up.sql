-- Whoever loses an organization works in it no longer, in any session.

CREATE FUNCTION tenancy.clear_active_context() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE identity.sessions SET active_organization_id = NULL, active_space_id = NULL
    WHERE user_id = OLD.user_id AND active_organization_id = OLD.organization_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER clear_active_context_on_delete AFTER DELETE ON tenancy.members
    FOR EACH ROW EXECUTE FUNCTION tenancy.clear_active_context();
CREATE TRIGGER clear_active_context_on_update AFTER UPDATE OF status ON tenancy.members
    FOR EACH ROW WHEN (OLD.status = 'active' AND NEW.status <> 'active')
    EXECUTE FUNCTION tenancy.clear_active_context();
