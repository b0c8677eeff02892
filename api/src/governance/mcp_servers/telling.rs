//! Who is told by mail of what happened to a server.

use entity::governance::mcp_server;
use entity::tenancy::project;

use super::{letter, store};
use crate::platform::errors::Result;
use crate::platform::write::Write;

/// Tells who may approve that tools of a server went back to review.
pub async fn tell_of_drift(
    write: &mut Write<'_>,
    server: &mcp_server::Model,
    project: &project::Model,
    tools: &[String],
) -> Result<()> {
    for recipient in store::approvers(write, server.organization_id).await? {
        let letter = letter::drifted(write.request(), &recipient.email, server, project, tools);
        write.send(letter);
    }
    Ok(())
}
