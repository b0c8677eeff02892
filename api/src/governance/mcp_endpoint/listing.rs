//! The tools that somebody may call, as their servers describe them, and which of them a name stands for.

use std::collections::BTreeMap;

use entity::enums::ProjectRole;
use entity::ids::ProjectId;
use serde_json::{Map, Value, json};

use super::naming;
use crate::governance::decision::Effect;
use crate::governance::decisions::{Standing, Tool, Use};
use crate::governance::mcp_servers::{self, CallableTool};
use crate::governance::own_tools::{self, OwnTool};
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::Era;
use crate::platform::request::Request;

/// Tools of one page.
const PAGE: usize = 100;

/// A page of tools, by name, and after which the next one begins.
#[derive(Debug, Default, PartialEq)]
pub struct Listed {
    pub tools: Vec<Value>,
    pub next: Option<String>,
}

/// A tool of the project.
enum Offered {
    Own(&'static OwnTool),
    Registered(Box<CallableTool>),
}

impl Offered {
    fn server(&self) -> &str {
        match self {
            Self::Own(_) => own_tools::SERVER,
            Self::Registered(tool) => &tool.server_name,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Own(tool) => tool.name,
            Self::Registered(tool) => &tool.tool_name,
        }
    }

    fn known(&self) -> Tool {
        match self {
            Self::Own(_) => own_tools::OPEN,
            Self::Registered(tool) => Tool { server_id: Some(tool.server_id), gates: tool.gates },
        }
    }

    /// As its server wrote it, under the name that it has here.
    fn describe(&self, name: &str, era: Era) -> Value {
        let mut fields = Map::from_iter([("name".to_owned(), name.into())]);
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        let (title, description, input, output, annotations) = match self {
            Self::Own(tool) => (
                Some(tool.title.to_owned()),
                Some(tool.description.to_owned()),
                &tool.input_schema,
                Some(&tool.output_schema),
                Some(&tool.annotations),
            ),
            Self::Registered(tool) => (
                tool.title.clone(),
                tool.description.clone(),
                &tool.input_schema,
                tool.output_schema.as_ref(),
                tool.annotations.as_ref(),
            ),
        };
        put("title", title.map(Value::from));
        put("description", description.map(Value::from));
        put("inputSchema", Some(of_objects(input)));
        // The older era has results of objects alone, and its clients refuse a whole list for one tool.
        let is_told = |schema: &&Value| era == Era::Stateless || schema["type"] == "object";
        put("outputSchema", output.filter(|schema| schema.is_object()).filter(is_told).cloned());
        put("annotations", annotations.filter(|annotations| annotations.is_object()).cloned());
        Value::Object(fields)
    }
}

/// The arguments of a tool are an object, also where its server leaves that unsaid: clients refuse a list otherwise.
fn of_objects(schema: &Value) -> Value {
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    Value::Object(schema)
}

/// Everything there is to call in the project, by the name that it has here. Whether the viewer may is another question.
async fn offered(request: &Request, project: ProjectId) -> Result<BTreeMap<String, Offered>> {
    let viewer = request.viewer();
    let own = own_tools::all().iter().filter(|tool| tool.is_for(&viewer)).map(Offered::Own);
    let registered = mcp_servers::callable_of_project(request, project).await?;
    // A server that had the name before it was ours is not heard under it.
    let registered = registered.into_iter().filter(|tool| tool.server_name != own_tools::SERVER);
    let all = own.chain(registered.map(|tool| Offered::Registered(Box::new(tool))));
    Ok(all.map(|tool| (naming::exposed(tool.server(), tool.name()), tool)).collect())
}

/// A page of the tools that would not be refused to the viewer.
///
/// # Errors
/// `NotFound` for who has no role in the project.
pub async fn list(request: &Request, project: ProjectId, era: Era, after: Option<&str>) -> Result<Listed> {
    let standing = Standing::of(request, project).await?;
    match request.viewer().project_role(project) {
        None => return Err(Error::NotFound),
        // Who only reads the project calls nothing in it.
        Some(ProjectRole::Viewer) => return Ok(Listed::default()),
        Some(ProjectRole::Developer | ProjectRole::Admin) => {}
    }
    let mut listed = Listed::default();
    for (name, tool) in offered(request, project).await? {
        if after.is_some_and(|after| name.as_str() <= after) {
            continue;
        }
        let used = Use::Tool { server: tool.server().to_owned(), tool: tool.name().to_owned(), model: None };
        let input = standing.input(request, &used, Some(&tool.known()));
        if standing.decide(&input).outcome == Effect::Deny {
            continue;
        }
        if listed.tools.len() == PAGE {
            let last = listed.tools.last().and_then(|tool| tool["name"].as_str());
            listed.next = last.map(str::to_owned);
            break;
        }
        listed.tools.push(tool.describe(&name, era));
    }
    Ok(listed)
}

/// A tool that is named in a call.
#[derive(Debug, PartialEq)]
pub struct Named {
    pub server: String,
    pub tool: String,
    pub input_schema: Value,
    pub has_output_schema: bool,
}

/// The tool that a name stands for; none where there is no such tool.
pub async fn named(request: &Request, project: ProjectId, name: &str) -> Result<Option<Named>> {
    let tool = match naming::plain(name) {
        Some((own_tools::SERVER, tool)) => {
            own_tools::find(tool).filter(|tool| tool.is_for(&request.viewer())).map(Offered::Own)
        }
        Some((server, tool)) => {
            let found = mcp_servers::callable(request, project, server, tool).await?;
            found.map(|tool| Offered::Registered(Box::new(CallableTool::clone(&tool))))
        }
        None => offered(request, project).await?.remove(name),
    };
    Ok(tool.map(|tool| {
        let described = tool.describe(name, Era::Session);
        Named {
            server: tool.server().to_owned(),
            tool: tool.name().to_owned(),
            has_output_schema: described["outputSchema"].is_object(),
            input_schema: described["inputSchema"].clone(),
        }
    }))
}

/// What goes out of a list, beside what its era adds.
pub fn fields(listed: Listed, era: Era) -> Map<String, Value> {
    let mut fields = Map::from_iter([("tools".to_owned(), Value::Array(listed.tools))]);
    if let Some(next) = listed.next {
        fields.insert("nextCursor".to_owned(), next.into());
    }
    if era == Era::Stateless {
        // What somebody may call changes with every policy, and is theirs alone.
        fields.extend([("ttlMs".to_owned(), json!(0)), ("cacheScope".to_owned(), "private".into())]);
    }
    fields
}
