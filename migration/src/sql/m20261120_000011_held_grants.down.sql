DROP TRIGGER bump_grants_on_insert ON tenancy.organizations;
DROP TRIGGER bump_grants_on_insert ON identity.users;
DROP FUNCTION platform.bump_new_subjects();
