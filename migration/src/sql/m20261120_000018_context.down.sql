DROP TRIGGER clear_active_context_on_update ON tenancy.members;
DROP TRIGGER clear_active_context_on_delete ON tenancy.members;
DROP FUNCTION tenancy.clear_active_context();
