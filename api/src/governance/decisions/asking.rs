//! Asking what would be decided: about whom, about what, and from where and when.

use std::net::IpAddr;

use async_graphql::{InputObject, OneofObject};
use chrono::{DateTime, Utc};
use entity::enums::ProjectRole;
use entity::governance::{api_key, decision};
use entity::ids::{ApiKeyId, DecisionId, ProjectId, UserId};
use serde_json::Value;

use super::deciding::Use;
use super::standing::{Caller, Standing};
use crate::governance::decision::{AppliedLimit, Input};
use crate::governance::own_tools;
use crate::metering::limits::{self, LimitStanding, Subjects};
use crate::platform::authorization::{Action, within_scopes};
use crate::platform::errors::{Error, Result};
use crate::platform::filters::is_storable;
use crate::platform::request::Request;

/// What somebody would do. Exactly one is given.
#[derive(OneofObject)]
pub enum ExplainActionInput {
    /// Call a tool.
    CallTool(ExplainToolInput),
    /// Use a model.
    UseModel(ExplainModelInput),
}

/// The call of a tool.
#[derive(InputObject)]
pub struct ExplainToolInput {
    /// The name of the server.
    server: String,
    /// The name of the tool.
    tool: String,
    /// The model on whose behalf.
    model: Option<String>,
    /// The arguments; unless given, nothing is said about arguments.
    arguments: Option<Value>,
}

/// The use of a model.
#[derive(InputObject)]
pub struct ExplainModelInput {
    /// The name of the model.
    model: String,
}

/// What would be decided.
#[derive(InputObject)]
pub struct ExplainDecisionInput {
    /// The project in which it would happen.
    project_id: ProjectId,
    /// What would be done.
    action: ExplainActionInput,
    /// Who would do it; you, unless given. For admins of the project, who may ask about everybody.
    user_id: Option<UserId>,
    /// With which API key; yours, if you ask with one, unless given. For admins of the project, and for who created the key. It is decided with what the key may do now.
    api_key_id: Option<ApiKeyId>,
    /// From which network address; yours, unless given.
    address: Option<String>,
    /// When; now, unless given. At another moment nothing is said of where limits stand.
    at: Option<DateTime<Utc>>,
}

/// What a decision would stand on.
pub struct Question {
    pub standing: Standing,
    pub input: Input,
    /// Whose use it would be.
    pub subjects: Subjects,
    /// Whether it is asked about this moment: nothing is known of where limits stand at another.
    is_about_now: bool,
}

impl Question {
    /// Where these limits stand; nothing where another moment is asked about.
    pub async fn standings(&self, request: &Request, limits: &[AppliedLimit]) -> Result<Vec<LimitStanding>> {
        match self.is_about_now {
            true => limits::peek(request, limits, &self.subjects).await,
            false => Ok(Vec::new()),
        }
    }
}

impl ExplainDecisionInput {
    /// The question, as far as the viewer may ask it.
    pub async fn read(self, request: &Request) -> Result<Question> {
        if !within_scopes::<decision::Entity>(&request.viewer()).contains(Action::Read) {
            return Err(Error::Forbidden);
        }
        let mut standing = Standing::of(request, self.project_id).await?;
        let address = match &self.address {
            Some(text) => Some(text.parse().map_err(|_| Error::bad_input("address", "This is no network address."))?),
            None => request.origin.ip,
        };
        match (self.api_key_id, self.user_id) {
            (Some(key), None) if request.viewer().key().is_some_and(|held| held.id == key) => {}
            (Some(key), user) => be_key(request, &mut standing, key, user, address).await?,
            (None, Some(user)) if Some(user) != request.viewer().user_id() => {
                be_person(request, &mut standing, user).await?;
            }
            (None, _) => {}
        }
        standing.caller.address = address;
        if self.at.is_some_and(|at| !is_storable(&at)) {
            return Err(Error::bad_input("at", "Nothing happened that long ago."));
        }
        let (what, arguments) = match self.action {
            ExplainActionInput::CallTool(ExplainToolInput { server, tool, model, arguments }) => {
                (Use::Tool { server, tool, model }, arguments)
            }
            ExplainActionInput::UseModel(ExplainModelInput { model }) => (Use::Model { model }, None),
        };
        let tool = match &what {
            Use::Tool { server, tool, .. } => own_tools::known(request, self.project_id, server, tool).await?,
            Use::Model { .. } => None,
        };
        let subjects = Subjects {
            decision: DecisionId(request.new_id()),
            organization: standing.organization_id,
            project: Some(standing.project_id),
            user: standing.caller.user_id,
            key: standing.caller.key_id,
            server: tool.and_then(|known| known.tool.server_id),
            tool: tool.and_then(|known| known.tool_id),
        };
        let mut input = standing.input(request, &what, tool.map(|known| known.tool).as_ref());
        input.arguments = arguments;
        input.at = self.at.unwrap_or(input.at);
        Ok(Question { standing, input, subjects, is_about_now: self.at.is_none() })
    }
}

/// Asks about another person of the project.
async fn be_person(request: &Request, standing: &mut Standing, user: UserId) -> Result<()> {
    if request.viewer().project_role(standing.project_id) != Some(ProjectRole::Admin) {
        return Err(Error::Forbidden);
    }
    let other = request.platform.viewers.acting_as(user).await?;
    if other.project_role(standing.project_id).is_none() {
        return Err(Error::bad_input("userId", "This person has no role in the project."));
    }
    standing.caller = Caller::of(&other, None, &standing.ground);
    Ok(())
}

/// Asks about an API key: as it is now, from this address.
async fn be_key(
    request: &Request,
    standing: &mut Standing,
    id: ApiKeyId,
    user: Option<UserId>,
    address: Option<IpAddr>,
) -> Result<()> {
    let viewer = request.viewer();
    let project = standing.project_id;
    let key = request.find::<api_key::Entity>(id).await?.ok_or(Error::NotFound)?;
    if viewer.project_role(project) != Some(ProjectRole::Admin) && viewer.user_id() != Some(key.created_by) {
        return Err(Error::Forbidden);
    }
    if key.project_id.is_some_and(|of| of != project) {
        return Err(Error::bad_input("apiKeyId", "The key is of another project."));
    }
    if user.is_some_and(|user| user != key.created_by) {
        return Err(Error::bad_input("userId", "The key acts in the name of somebody else."));
    }
    let viewers = &request.platform.viewers;
    let good = viewers.acting_with(id, address).await?;
    let holder = match &good {
        Some(holder) => holder.clone(),
        // Decided about all the same, so that what is missing is told: the gate of the key is closed.
        None => viewers.acting_as(key.created_by).await?,
    };
    if holder.project_role(project).is_none() {
        return Err(Error::bad_input("apiKeyId", "The creator of the key has no role in the project."));
    }
    standing.caller = Caller { key_id: Some(id), ..Caller::of(&holder, None, &standing.ground) };
    standing.caller.key_valid = good.is_some();
    Ok(())
}
