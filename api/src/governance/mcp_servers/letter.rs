//! The letters of the registry. People choose names, and servers the names of their tools: of these only the words are told.

use entity::governance::mcp_server;
use entity::tenancy::project;

use crate::platform::mail::{self, Letter, words};
use crate::platform::request::Request;

fn page(request: &Request, server: &mcp_server::Model) -> String {
    request.platform.config.page("mcp-server", &server.id.to_string())
}

/// To who may approve a server that was submitted.
pub fn submitted(request: &Request, address: &str, server: &mcp_server::Model, project: &project::Model) -> Letter {
    let (name, of) = (words(&server.name), words(&project.name));
    Letter::new(address, format!("Approve the tool server {name}?"))
        .paragraph(format!("The tool server {name} of the project {of} was submitted for approval."))
        .link("See the server", page(request, server))
        .paragraph("None of its tools is used before somebody approves it.")
}

/// To who submitted it.
pub fn approved(request: &Request, address: &str, server: &mcp_server::Model, project: &project::Model) -> Letter {
    let (name, of) = (words(&server.name), words(&project.name));
    Letter::new(address, format!("The tool server {name} is approved"))
        .paragraph(format!("The tool server {name} of the project {of} is approved. Its tools may be used now."))
        .link("See the server", page(request, server))
}

/// To who submitted it.
pub fn rejected(request: &Request, address: &str, server: &mcp_server::Model, project: &project::Model) -> Letter {
    let (name, of) = (words(&server.name), words(&project.name));
    let reason = mail::reason(server.rejection_reason.as_deref().unwrap_or_default());
    Letter::new(address, format!("The tool server {name} is not approved"))
        .paragraph(format!("The tool server {name} of the project {of} is not approved. The reason: {reason}"))
        .link("See the server", page(request, server))
        .paragraph("It can be submitted again.")
}

/// To who may approve the tools that an approved server changed.
pub fn drifted(
    request: &Request,
    address: &str,
    server: &mcp_server::Model,
    project: &project::Model,
    tools: &[String],
) -> Letter {
    let (name, of) = (words(&server.name), words(&project.name));
    let shown: Vec<String> = tools.iter().take(SHOWN_TOOLS).map(|tool| words(tool)).collect();
    let more = if tools.len() > SHOWN_TOOLS { " and others" } else { "" };
    Letter::new(address, format!("Tools of {name} have changed"))
        .paragraph(format!(
            "The tool server {name} of the project {of} does not offer what was approved. Changed: {}{more}.",
            shown.join(", ")
        ))
        .link("See what changed", page(request, server))
        .paragraph("What changed is not used before somebody approves it again.")
}

const SHOWN_TOOLS: usize = 10;
