//! The letters about approvals. What people and models wrote stands in them as words alone, and no argument of a call does.

use entity::enums::ApprovalState;
use entity::governance::approval;
use entity::tenancy::project;

use super::store::Person;
use crate::platform::mail::{Letter, words};

/// Tells who may answer that somebody asks.
pub fn asking(decider: &Person, asker: &str, project: &project::Model, approval: &approval::Model) -> Letter {
    let (asker, project, tool) = (words(asker), words(&project.name), words(&approval.tool_name));
    let server = words(&approval.server_name);
    let until = approval.expires_at.format("%H:%M on %-d %B %Y");
    Letter::new(decider.email.as_str(), format!("{asker} asks to use {tool} in {project}"))
        .paragraph(format!(
            "{asker} asks to call the tool {tool} of the server {server}, once, in the project {project}."
        ))
        .paragraph(format!("Approve or deny it in Trellis before {until} UTC: request {}.", approval.id))
        .paragraph("Nothing happens unless somebody approves.")
}

/// Tells who asked what the answer is.
pub fn answered(asker: &Person, approval: &approval::Model) -> Letter {
    let tool = words(&approval.tool_name);
    let (answer, next) = match approval.state {
        ApprovalState::Approved => {
            let until = approval.expires_at.format("%H:%M on %-d %B %Y");
            (
                "approved",
                format!("Repeat the call with the approval {} before {until} UTC. It is good once.", approval.id),
            )
        }
        _ => ("denied", "The call is not made.".to_owned()),
    };
    Letter::new(asker.email.as_str(), format!("Your use of {tool} was {answer}"))
        .paragraph(format!("Your request to call the tool {tool} was {answer}."))
        .paragraph(next)
}
