//! The changes of servers as a client sees them.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, OneofObject};
use entity::ids::{McpServerId, McpServerVersionId, ProjectId};

use super::graphql::McpServer;
use super::input::{McpNamedValueInput, McpTransportInput, named};
use super::manifest::Choice;
use super::registering::{self, NewImport, Source};
use super::rules::{self, NewServer, NewServerVersion, ServerChanges};
use crate::governance::McpErrorCode;
use crate::payload;
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// A server to register by a form.
#[derive(InputObject)]
struct McpServerRegisterInput {
    /// An id of your making (a UUIDv7 in its `mcp_` form, at most 30 days old), so that a retry cannot register a second one.
    id: Option<McpServerId>,
    /// The project it belongs to.
    project_id: ProjectId,
    /// Its name: 1 to 255 letters, digits, dots, underscores and hyphens; unique in the project. It never changes.
    name: String,
    /// What it is for, up to 2,000 characters.
    description: Option<String>,
    /// The version that its maker gave it, up to 255 characters.
    label: Option<String>,
    /// How it is reached.
    transport: McpTransportInput,
}

/// Where a server.json is: one of these.
#[derive(OneofObject)]
enum McpServerJsonInput {
    /// The file itself, up to 256 KiB.
    Text(String),
    /// Its address, which begins with https://.
    Url(String),
}

/// Which of the ways that a server.json offers is taken: one of these.
#[derive(OneofObject)]
enum McpServerJsonChoiceInput {
    /// The package at this place of its list, from 0.
    Package(i32),
    /// The remote at this place of its list, from 0.
    Remote(i32),
}

/// A server to register from its server.json.
#[derive(InputObject)]
struct McpServerImportInput {
    /// An id of your making (a UUIDv7 in its `mcp_` form, at most 30 days old), so that a retry cannot register a second one.
    id: Option<McpServerId>,
    /// The project it belongs to.
    project_id: ProjectId,
    /// The name it gets. Default: the last part of the name in the file.
    name: Option<String>,
    /// The file.
    source: McpServerJsonInput,
    /// Which of the ways it offers. Default: the first package that can be started here, else the first remote.
    choice: Option<McpServerJsonChoiceInput>,
    /// Values that the file leaves open, by the names it gives them. Secrets that are left out become ${secrets.NAME}.
    values: Option<Vec<McpNamedValueInput>>,
}

/// Changes of a server. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct McpServerUpdateInput {
    /// The server.
    id: McpServerId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// What it is for, up to 2,000 characters; null for none.
    description: MaybeUndefined<String>,
    /// Whether it is switched on.
    is_enabled: Option<bool>,
}

/// Another way of reaching a server.
#[derive(InputObject)]
struct McpServerVersionCreateInput {
    /// An id of your making (a UUIDv7 in its `mcv_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<McpServerVersionId>,
    /// The server.
    server_id: McpServerId,
    /// The version that its maker gave it, up to 255 characters.
    label: Option<String>,
    /// How it is reached from now on.
    transport: McpTransportInput,
}

/// A server to delete.
#[derive(InputObject)]
struct McpServerDeleteInput {
    /// The server.
    id: McpServerId,
}

payload! {
    /// What registering a server ended with.
    McpServerRegisterPayload {
        /// The new server; null when it was refused.
        mcp_server: McpServer, McpErrorCode
    }
}

payload! {
    /// What registering a server from a file ended with.
    McpServerImportPayload {
        /// The new server; null when it was refused.
        mcp_server: McpServer, McpErrorCode
    }
}

payload! {
    /// What changing a server ended with.
    McpServerUpdatePayload {
        /// The server as it is now, also after a CONFLICT; null when it was refused for another reason.
        mcp_server: McpServer, McpErrorCode
    }
}

payload! {
    /// What giving a server another version ended with.
    McpServerVersionCreatePayload {
        /// The server, whose currentVersion is the new one; null when it was refused.
        mcp_server: McpServer, McpErrorCode
    }
}

payload! {
    /// What deleting a server ended with.
    McpServerDeletePayload {
        /// The id of the server that is gone; null when it was refused.
        deleted_id: McpServerId, McpErrorCode
    }
}

/// Changes of servers.
#[derive(Default)]
pub struct McpServerMutation;

#[Object]
impl McpServerMutation {
    /// Registers an MCP server of a project. Nothing of it is used before it was connected to, submitted and approved. For admins of the project.
    async fn mcp_server_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new server.")] input: McpServerRegisterInput,
    ) -> Result<McpServerRegisterPayload> {
        let registered = async {
            let new = NewServer {
                id: input.id,
                project_id: input.project_id,
                name: input.name,
                description: input.description,
                label: input.label,
                transport: input.transport.into_transport()?,
                manifest: None,
                manifest_url: None,
            };
            rules::register_server(ctx.request(), new).await
        };
        Ok(Outcome::of(registered.await)?.map(McpServer::from).into())
    }

    /// Registers an MCP server of a project from its server.json, which is pasted or fetched. For admins of the project.
    async fn mcp_server_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and where the server goes.")] input: McpServerImportInput,
    ) -> Result<McpServerImportPayload> {
        let place = |field: &str, index: i32| {
            usize::try_from(index).map_err(|_| Error::bad_input(field, "A place is counted from 0."))
        };
        let choice = match input.choice {
            Some(McpServerJsonChoiceInput::Package(index)) => Some(Choice::Package(place("package", index)?)),
            Some(McpServerJsonChoiceInput::Remote(index)) => Some(Choice::Remote(place("remote", index)?)),
            None => None,
        };
        let imported = async {
            let new = NewImport {
                id: input.id,
                project_id: input.project_id,
                name: input.name,
                source: match input.source {
                    McpServerJsonInput::Text(text) => Source::Text(text),
                    McpServerJsonInput::Url(url) => Source::Url(url),
                },
                choice,
                values: named("values", input.values)?,
            };
            registering::import_server(ctx.request(), new).await
        };
        Ok(Outcome::of(imported.await)?.map(McpServer::from).into())
    }

    /// Changes what is said of a server, and switches it on and off. For admins of its project.
    async fn mcp_server_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: McpServerUpdateInput,
    ) -> Result<McpServerUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes =
            ServerChanges { description: checks::text_change(input.description), is_enabled: input.is_enabled };
        let result = rules::update_server(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(McpServer::from);
        if outcome.refused_as(McpErrorCode::Conflict) {
            outcome.object = McpServer::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Gives a server another way of being reached. It goes back to review: nothing of it is used until it is connected to, submitted and approved again. For admins of its project.
    async fn mcp_server_version_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new version.")] input: McpServerVersionCreateInput,
    ) -> Result<McpServerVersionCreatePayload> {
        let created = async {
            let new = NewServerVersion {
                id: input.id,
                server_id: input.server_id,
                label: input.label,
                transport: input.transport.into_transport()?,
            };
            rules::create_version(ctx.request(), new).await
        };
        Ok(Outcome::of(created.await)?.map(McpServer::from).into())
    }

    /// Deletes a server with its tools. For admins of its project.
    async fn mcp_server_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: McpServerDeleteInput,
    ) -> Result<McpServerDeletePayload> {
        let outcome = Outcome::of(rules::delete_server(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }
}
