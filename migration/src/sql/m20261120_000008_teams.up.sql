-- Teams by name, who is in a team and what a team was given, each by the order of its list.

CREATE INDEX teams_name_idx ON tenancy.teams (organization_id, name, id);
CREATE INDEX team_members_created_idx ON tenancy.team_members (team_id, created_at, id);
DROP INDEX tenancy.project_members_team_idx;
CREATE INDEX project_members_team_idx ON tenancy.project_members (team_id, created_at, id) WHERE team_id IS NOT NULL;
DROP INDEX tenancy.space_members_team_idx;
CREATE INDEX space_members_team_idx ON tenancy.space_members (team_id, created_at, id) WHERE team_id IS NOT NULL;
