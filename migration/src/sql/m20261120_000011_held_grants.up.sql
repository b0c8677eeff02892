-- A write holds the versions of its viewer's grants until it ends, so that nobody takes them away under it. What is
-- held has to be there: each user and each organization has a version from its first day.

INSERT INTO platform.grant_versions (subject_id)
SELECT id FROM identity.users UNION ALL SELECT id FROM tenancy.organizations
ON CONFLICT DO NOTHING;

CREATE FUNCTION platform.bump_new_subjects() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM platform.bump_grants(ARRAY(SELECT id FROM new_rows));
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON identity.users
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION platform.bump_new_subjects();
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON tenancy.organizations
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION platform.bump_new_subjects();
