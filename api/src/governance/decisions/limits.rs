//! What remains of the limits of a project before anything is used: those of whoever asks, whatever they would use.

use entity::enums::ProjectRole;
use entity::ids::{DecisionId, ProjectId};
use entity::metering::budget;

use super::deciding::Use;
use super::standing::Standing;
use super::trace::TracedLimit;
use crate::governance::decision::{AppliedLimit, Level};
use crate::metering::limits::{self, Subjects};
use crate::platform::authorization::{Action, within_scopes};
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// Limits that are told of.
const MOST: usize = 100;

/// The limits of usage policies that may apply to what the viewer does in the project, and where they stand. Those that are
/// counted for each server or tool stand differently for each, and are only named. Empty for who has no role in the
/// project, and for a key that may not read usage.
pub async fn limits_of_project(request: &Request, project: ProjectId) -> Result<Vec<TracedLimit>> {
    let viewer = request.viewer();
    let may_read = within_scopes::<budget::Entity>(&viewer).contains(Action::Read);
    match viewer.project_role(project).filter(|_| may_read) {
        None => return Ok(Vec::new()),
        Some(ProjectRole::Viewer | ProjectRole::Developer | ProjectRole::Admin) => {}
    }
    let standing = Standing::of(request, project).await?;
    let input = standing.input(request, &Use::Model { model: String::new() }, None);
    let applied = standing.policies.limits_of_caller(&input);
    let (levels, limits): (Vec<Level>, Vec<AppliedLimit>) = applied.into_iter().take(MOST).unzip();
    let subjects = Subjects {
        decision: DecisionId(request.new_id()),
        organization: standing.organization_id,
        project: Some(project),
        user: standing.caller.user_id,
        key: standing.caller.key_id,
        server: None,
        tool: None,
    };
    let standings = limits::peek(request, &limits, &subjects).await?;
    let told = limits.iter().zip(levels).map(|(limit, level)| {
        let standing = standings.iter().find(|standing| standing.limit == *limit);
        let mut told = standing.map_or_else(|| TracedLimit::from(limit), TracedLimit::from);
        told.tell(&viewer, level != Level::Organization, &subjects);
        told
    });
    Ok(told.collect())
}
