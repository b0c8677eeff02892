-- Whatever changes what somebody may do bumps a version of grants: of the user it concerns or, when it concerns
-- more people, of the organization. Statement triggers, so that each statement bumps its subjects in one order.

CREATE FUNCTION identity.bump_users() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT new_rows.id FROM new_rows JOIN old_rows USING (id)
            WHERE (new_rows.status, new_rows.deleted_at) IS DISTINCT FROM (old_rows.status, old_rows.deleted_at)
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON identity.users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION identity.bump_users();

CREATE FUNCTION tenancy.bump_organizations() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT new_rows.id FROM new_rows JOIN old_rows USING (id)
            WHERE (new_rows.status, new_rows.deleted_at, new_rows.settings)
                IS DISTINCT FROM (old_rows.status, old_rows.deleted_at, old_rows.settings)
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON tenancy.organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_organizations();

CREATE FUNCTION tenancy.bump_members() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT user_id FROM new_rows
        ));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT user_id FROM old_rows UNION ALL SELECT user_id FROM new_rows
        ));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT user_id FROM old_rows
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON tenancy.members
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_members();
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON tenancy.members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_members();
CREATE TRIGGER bump_grants_on_delete AFTER DELETE ON tenancy.members
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_members();

CREATE FUNCTION tenancy.bump_team_members() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT user_id FROM new_rows
        ));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT user_id FROM old_rows UNION ALL SELECT user_id FROM new_rows
        ));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT user_id FROM old_rows
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON tenancy.team_members
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_team_members();
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON tenancy.team_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_team_members();
CREATE TRIGGER bump_grants_on_delete AFTER DELETE ON tenancy.team_members
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_team_members();

CREATE FUNCTION tenancy.bump_teams() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT organization_id FROM old_rows
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_delete AFTER DELETE ON tenancy.teams
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_teams();

CREATE FUNCTION tenancy.bump_projects() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT organization_id FROM new_rows
        ));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT new_rows.organization_id FROM new_rows JOIN old_rows USING (id)
            WHERE (new_rows.status, new_rows.deleted_at) IS DISTINCT FROM (old_rows.status, old_rows.deleted_at)
        ));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT organization_id FROM old_rows
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON tenancy.projects
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_projects();
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON tenancy.projects
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_projects();
CREATE TRIGGER bump_grants_on_delete AFTER DELETE ON tenancy.projects
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_projects();

CREATE FUNCTION tenancy.bump_spaces() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(organization_id, user_id) FROM new_rows
        ));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT unnest(ARRAY[
                coalesce(new_rows.organization_id, new_rows.user_id), coalesce(old_rows.organization_id, old_rows.user_id)
            ])
            FROM new_rows JOIN old_rows USING (id)
            WHERE (
                new_rows.privacy, new_rows.default_role, new_rows.deleted_at, new_rows.archived_at,
                new_rows.organization_id, new_rows.user_id, new_rows.project_id
            ) IS DISTINCT FROM (
                old_rows.privacy, old_rows.default_role, old_rows.deleted_at, old_rows.archived_at,
                old_rows.organization_id, old_rows.user_id, old_rows.project_id
            )
        ));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(organization_id, user_id) FROM old_rows
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON tenancy.spaces
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_spaces();
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON tenancy.spaces
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_spaces();
CREATE TRIGGER bump_grants_on_delete AFTER DELETE ON tenancy.spaces
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_spaces();

-- A grant to a team concerns its members, whoever they are: the organization stands for them.
CREATE FUNCTION tenancy.bump_project_members() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(user_id, organization_id) FROM new_rows
        ));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(user_id, organization_id) FROM old_rows UNION ALL SELECT coalesce(user_id, organization_id) FROM new_rows
        ));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(user_id, organization_id) FROM old_rows
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON tenancy.project_members
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_project_members();
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON tenancy.project_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_project_members();
CREATE TRIGGER bump_grants_on_delete AFTER DELETE ON tenancy.project_members
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_project_members();

CREATE FUNCTION tenancy.bump_space_members() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(user_id, organization_id) FROM new_rows
        ));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(user_id, organization_id) FROM old_rows UNION ALL SELECT coalesce(user_id, organization_id) FROM new_rows
        ));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM platform.bump_grants(ARRAY(
            SELECT coalesce(user_id, organization_id) FROM old_rows
        ));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bump_grants_on_insert AFTER INSERT ON tenancy.space_members
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_space_members();
CREATE TRIGGER bump_grants_on_update AFTER UPDATE ON tenancy.space_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_space_members();
CREATE TRIGGER bump_grants_on_delete AFTER DELETE ON tenancy.space_members
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.bump_space_members();
