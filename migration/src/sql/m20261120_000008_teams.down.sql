DROP INDEX tenancy.space_members_team_idx;
CREATE INDEX space_members_team_idx ON tenancy.space_members (team_id) WHERE team_id IS NOT NULL;
DROP INDEX tenancy.project_members_team_idx;
CREATE INDEX project_members_team_idx ON tenancy.project_members (team_id) WHERE team_id IS NOT NULL;
DROP INDEX tenancy.team_members_created_idx;
DROP INDEX tenancy.teams_name_idx;
