//! Whom and what a policy applies to, as a client writes and reads it.

use async_graphql::{InputObject, InputType, OutputType, SimpleObject};
use entity::ids::{ApiKeyId, ProjectId, UserId};
use uuid::Uuid;

use super::roles::PolicyRole;
use crate::governance::decision::{AppliesTo, Selection};

/// The values of one dimension.
#[derive(Clone, Debug, SimpleObject, InputObject)]
#[graphql(concrete(name = "PolicyUsers", input_name = "PolicyUsersInput", params(UserId)))]
#[graphql(concrete(name = "PolicyRoles", input_name = "PolicyRolesInput", params(PolicyRole)))]
#[graphql(concrete(name = "PolicyProjects", input_name = "PolicyProjectsInput", params(ProjectId)))]
#[graphql(concrete(name = "PolicyPatterns", input_name = "PolicyPatternsInput", params(String)))]
#[graphql(concrete(name = "PolicyKeys", input_name = "PolicyKeysInput", params(ApiKeyId)))]
pub struct Dimension<T: InputType + OutputType + Clone> {
    /// One of these, up to 500; empty means everything that is not excluded.
    #[graphql(default)]
    pub include: Vec<T>,
    /// None of these, up to 500, whatever is included.
    #[graphql(default)]
    pub exclude: Vec<T>,
}

/// Whom and what a policy applies to. Every dimension that is given must match; one value of a dimension is enough, and
/// what is excluded is not matched by anything else. Patterns know one sign, `*`, for any run of characters, and tell
/// capital letters from small ones.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PolicyAppliesToInput {
    /// People.
    pub users: Option<Dimension<UserId>>,
    /// Roles in the organization or the project.
    pub roles: Option<Dimension<PolicyRole>>,
    /// Projects.
    pub projects: Option<Dimension<ProjectId>>,
    /// Patterns over the names of models.
    pub models: Option<Dimension<String>>,
    /// Patterns over the names of servers.
    pub servers: Option<Dimension<String>>,
    /// Patterns over `server/tool`; without a slash, the tool of any server.
    pub tools: Option<Dimension<String>>,
    /// API keys.
    pub keys: Option<Dimension<ApiKeyId>>,
}

/// Whom and what a policy applies to. A dimension in which nothing is included or excluded holds for everything.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyAppliesTo {
    /// People.
    users: Dimension<UserId>,
    /// Roles in the organization or the project.
    roles: Dimension<PolicyRole>,
    /// Projects.
    projects: Dimension<ProjectId>,
    /// Patterns over the names of models.
    models: Dimension<String>,
    /// Patterns over the names of servers.
    servers: Dimension<String>,
    /// Patterns over `server/tool`; without a slash, the tool of any server.
    tools: Dimension<String>,
    /// API keys.
    keys: Dimension<ApiKeyId>,
}

/// The most values on one side of a dimension.
const MOST: usize = 500;

/// The dimension as decisions read it; what is too long is told with its path.
fn read<T: InputType + OutputType + Clone, U>(
    name: &str,
    dimension: Option<Dimension<T>>,
    problems: &mut Vec<(String, String)>,
    value: impl Fn(T) -> U,
) -> Selection<U> {
    let Some(Dimension { include, exclude }) = dimension else { return Selection::default() };
    for (side, length) in [("include", include.len()), ("exclude", exclude.len())] {
        if length > MOST {
            problems.push((format!("appliesTo.{name}.{side}"), format!("Give at most {MOST} values.")));
        }
    }
    Selection { include: include.into_iter().map(&value).collect(), exclude: exclude.into_iter().map(&value).collect() }
}

impl PolicyAppliesToInput {
    pub fn read(self, problems: &mut Vec<(String, String)>) -> AppliesTo {
        AppliesTo {
            users: read("users", self.users, problems, UserId::uuid),
            roles: read("roles", self.roles, problems, |role| role.as_str().to_owned()),
            projects: read("projects", self.projects, problems, ProjectId::uuid),
            models: read("models", self.models, problems, |pattern| pattern),
            servers: read("servers", self.servers, problems, |pattern| pattern),
            tools: read("tools", self.tools, problems, |pattern| pattern),
            keys: read("keys", self.keys, problems, ApiKeyId::uuid),
        }
    }
}

fn shown<T: Clone, U: InputType + OutputType + Clone>(
    selection: &Selection<T>,
    show: impl Fn(&T) -> Option<U>,
) -> Dimension<U> {
    Dimension {
        include: selection.include.iter().filter_map(&show).collect(),
        exclude: selection.exclude.iter().filter_map(&show).collect(),
    }
}

fn id<I: From<Uuid>>(uuid: &Uuid) -> Option<I> {
    Some(I::from(*uuid))
}

impl From<&AppliesTo> for PolicyAppliesTo {
    fn from(applies_to: &AppliesTo) -> Self {
        let text = |text: &String| Some(text.clone());
        Self {
            users: shown(&applies_to.users, id),
            roles: shown(&applies_to.roles, |role| PolicyRole::parse(role)),
            projects: shown(&applies_to.projects, id),
            models: shown(&applies_to.models, text),
            servers: shown(&applies_to.servers, text),
            tools: shown(&applies_to.tools, text),
            keys: shown(&applies_to.keys, id),
        }
    }
}
