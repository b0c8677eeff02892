//! Asking what would be decided: about whom, about what, and from where and when.

use std::net::IpAddr;

use async_graphql::{InputObject, OneofObject};
use chrono::{DateTime, Utc};
use entity::enums::ProjectRole;
use entity::governance::decision;
use entity::ids::{ProjectId, UserId};
use serde_json::Value;

use super::deciding::Use;
use super::standing::{Caller, Standing};
use crate::governance::decision::Input;
use crate::governance::own_tools;
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
    /// From which network address; yours, unless given.
    address: Option<String>,
    /// When; now, unless given.
    at: Option<DateTime<Utc>>,
}

/// What a decision would stand on.
pub struct Question {
    pub standing: Standing,
    pub input: Input,
}

impl ExplainDecisionInput {
    /// The question, as far as the viewer may ask it.
    pub async fn read(self, request: &Request) -> Result<Question> {
        if !within_scopes::<decision::Entity>(&request.viewer()).contains(Action::Read) {
            return Err(Error::Forbidden);
        }
        let mut standing = Standing::of(request, self.project_id).await?;
        if let Some(user) = self.user_id.filter(|user| Some(*user) != request.viewer().user_id()) {
            if request.viewer().project_role(self.project_id) != Some(ProjectRole::Admin) {
                return Err(Error::Forbidden);
            }
            let other = request.platform.viewers.acting_as(user).await?;
            if other.project_role(self.project_id).is_none() {
                return Err(Error::bad_input("userId", "This person has no role in the project."));
            }
            standing.caller = Caller::of(&other, request.origin.ip, &standing.ground);
        }
        if let Some(text) = self.address {
            let address = text.parse::<IpAddr>();
            standing.caller.address =
                Some(address.map_err(|_| Error::bad_input("address", "This is no network address."))?);
        }
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
        let mut input = standing.input(request, &what, tool.map(|known| known.tool).as_ref());
        input.arguments = arguments;
        input.at = self.at.unwrap_or(input.at);
        Ok(Question { standing, input })
    }
}
