//! What was granted to a user: roles in organizations, spaces and projects, own and through teams, in one statement.

use std::collections::HashMap;

use entity::enums::{MemberRole, ProjectRole, SpaceRole};
use entity::ids::{OrganizationId, ProjectId, SpaceId, UserId};
use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend, FromQueryResult, Statement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Entrance;
use crate::platform::errors::{Error, Result};

/// Everything that was granted to one user. Suspended members and closed organizations grant nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    pub organizations: HashMap<OrganizationId, MemberRole>,
    pub spaces: HashMap<SpaceId, SpaceGrant>,
    pub projects: HashMap<ProjectId, ProjectRole>,
}

/// The highest role in one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceGrant {
    /// The role as it was given.
    pub role: SpaceRole,
    /// An archived space can only be read, whatever the role.
    pub archived: bool,
    /// None for a personal space.
    pub organization_id: Option<OrganizationId>,
    /// The project that the space is attached to.
    pub project_id: Option<ProjectId>,
}

impl SpaceGrant {
    /// What the role is good for with the space's content.
    pub fn content_role(&self) -> SpaceRole {
        if self.archived { SpaceRole::Reader } else { self.role }
    }
}

impl Grants {
    pub fn organization_ids(&self) -> Vec<OrganizationId> {
        self.organizations.keys().copied().collect()
    }

    pub fn space_ids(&self) -> Vec<SpaceId> {
        self.spaces.keys().copied().collect()
    }

    /// The spaces whose content the user may change.
    pub fn edited(&self) -> Vec<SpaceId> {
        let edited = self.spaces.iter().filter(|(_, grant)| grant.content_role() >= SpaceRole::Editor);
        edited.map(|(id, _)| *id).collect()
    }

    /// The organizations in which the user is owner or admin.
    pub fn administered(&self) -> Vec<OrganizationId> {
        self.organizations.iter().filter(|(_, role)| **role >= MemberRole::Admin).map(|(id, _)| *id).collect()
    }

    /// What is left of these grants for a key of a project: the project, the spaces attached to it, and what everybody
    /// sees who only views the organization. Nothing for who has no role in the project any more.
    pub(super) fn within_project(&self, organization_id: OrganizationId, project_id: ProjectId) -> Self {
        let Some(role) = self.projects.get(&project_id) else { return Self::default() };
        let spaces = self.spaces.iter().filter(|(_, grant)| grant.project_id == Some(project_id));
        Self {
            organizations: HashMap::from([(organization_id, MemberRole::Viewer)]),
            spaces: spaces.map(|(id, grant)| (*id, *grant)).collect(),
            projects: HashMap::from([(project_id, *role)]),
        }
    }

    pub async fn load(connection: &impl ConnectionTrait, user_id: UserId, entrance: &Entrance) -> Result<Self> {
        let [is_operator, provider, domain] = entrance.values();
        let values = [user_id.uuid().into(), is_operator, provider, domain];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, GRANTS_SQL, values);
        let rows = GrantRow::find_by_statement(statement).all(connection).await?;
        let mut grants = Self::default();
        for row in rows.iter().filter(|row| row.kind == "organization") {
            grants.organizations.insert(OrganizationId(row.id), parse::<MemberRole>(&row.role)?);
        }
        for row in rows {
            match row.kind.as_str() {
                "space" => grants.add_space(&row)?,
                "project" => {
                    let mut role = parse::<ProjectRole>(&row.role)?;
                    if grants.is_viewer_of(row.organization_id) {
                        role = ProjectRole::Viewer;
                    }
                    let held = grants.projects.entry(ProjectId(row.id)).or_insert(role);
                    *held = role.max(*held);
                }
                _ => {}
            }
        }
        Ok(grants)
    }

    /// A viewer of an organization only reads, whatever else was granted to it there.
    fn is_viewer_of(&self, organization: Option<Uuid>) -> bool {
        organization.and_then(|id| self.organizations.get(&OrganizationId(id))) == Some(&MemberRole::Viewer)
    }

    fn add_space(&mut self, row: &GrantRow) -> Result<()> {
        let organization_id = row.organization_id.map(OrganizationId);
        let mut role = parse::<SpaceRole>(&row.role)?;
        if self.is_viewer_of(row.organization_id) {
            role = SpaceRole::Reader;
        }
        let project_id = row.project_id.map(ProjectId);
        let grant = SpaceGrant { role, archived: row.archived, organization_id, project_id };
        let held = self.spaces.entry(SpaceId(row.id)).or_insert(grant);
        held.role = role.max(held.role);
        Ok(())
    }
}

#[derive(FromQueryResult)]
struct GrantRow {
    kind: String,
    id: Uuid,
    organization_id: Option<Uuid>,
    project_id: Option<Uuid>,
    role: String,
    archived: bool,
}

fn parse<E: ActiveEnum<Value = String>>(text: &str) -> Result<E> {
    E::try_from_value(&text.to_owned()).map_err(Error::internal)
}

/// A space of an organization counts only for its active members. An archived space or organization can only be read.
/// Where single sign-on is enforced, a member is only who came in by it.
const GRANTS_SQL: &str = r"
WITH member AS (
    SELECT m.organization_id, m.role
    FROM tenancy.members m
    JOIN tenancy.organizations o ON o.id = m.organization_id
    WHERE m.user_id = $1 AND m.status = 'active' AND o.deleted_at IS NULL AND o.status = 'active'
        AND ($2 OR NOT o.sso_enabled OR (o.sso_provider = $3 AND $4 = ANY (o.allowed_email_domains)))
), team AS (
    SELECT t.team_id FROM tenancy.team_members t WHERE t.user_id = $1
)
SELECT 'organization' AS kind, organization_id AS id, organization_id, NULL::uuid AS project_id, role, false AS archived
FROM member
UNION ALL
SELECT 'space', s.id, s.organization_id, s.project_id, 'manager', false
FROM tenancy.spaces s
WHERE s.user_id = $1 AND s.deleted_at IS NULL
UNION ALL
SELECT 'space', s.id, s.organization_id, s.project_id, g.role, s.archived_at IS NOT NULL
FROM tenancy.space_members g
JOIN tenancy.spaces s ON s.id = g.space_id AND s.deleted_at IS NULL
WHERE (g.user_id = $1 OR g.team_id IN (SELECT team_id FROM team))
  AND (s.organization_id IS NULL OR s.organization_id IN (SELECT organization_id FROM member))
UNION ALL
SELECT 'space', s.id, s.organization_id, s.project_id, s.default_role, s.archived_at IS NOT NULL
FROM tenancy.spaces s
JOIN member ON member.organization_id = s.organization_id
WHERE s.privacy = 'open' AND s.deleted_at IS NULL
UNION ALL
SELECT 'project', p.id, p.organization_id, p.id, g.role, false
FROM tenancy.project_members g
JOIN tenancy.projects p ON p.id = g.project_id AND p.deleted_at IS NULL
JOIN member ON member.organization_id = p.organization_id
WHERE g.user_id = $1 OR g.team_id IN (SELECT team_id FROM team)
UNION ALL
SELECT 'project', p.id, p.organization_id, p.id, 'admin', false
FROM tenancy.projects p
JOIN member ON member.organization_id = p.organization_id
WHERE member.role IN ('owner', 'admin') AND p.deleted_at IS NULL
";
