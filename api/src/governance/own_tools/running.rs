//! Doing what a tool does, by the rules that the graph goes by too.

use entity::content::document;
use entity::tenancy::space;
use serde_json::{Map, Value, json};

use super::answers::{answer, answer_with_text, described, or_refusal};
use super::arguments::{self, Create, Read, Search, Spaces, USUAL_PAGE, Update};
use super::definitions::{Does, OwnTool};
use crate::content::documents::{self, DocumentChanges, NewDocument};
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::ToolResult;
use crate::platform::pagination::Page;
use crate::platform::request::Request;
use crate::platform::write::Committed;
use crate::tenancy::spaces;

/// Runs a tool. What its caller can mend is a result that says so.
///
/// # Errors
/// What is no answer of the tool: nobody asks, or something of ours failed.
pub async fn run(request: &Request, tool: &OwnTool, arguments: Map<String, Value>) -> Result<ToolResult> {
    if !tool.is_for(&request.viewer()) {
        return Err(Error::NotFound);
    }
    request.user_id()?;
    or_refusal(match tool.does {
        Does::SearchDocuments => search(request, arguments).await,
        Does::ReadDocument => read(request, arguments).await,
        Does::CreateDocument => create(request, arguments).await,
        Does::UpdateDocument => update(request, arguments).await,
        Does::ListSpaces => list_spaces(request, arguments).await,
    })
}

async fn search(request: &Request, arguments: Map<String, Value>) -> Result<ToolResult> {
    let Search { query, space_id, limit, cursor } = arguments::read(arguments)?;
    let found = documents::search(request, &query, space_id, limit.unwrap_or(USUAL_PAGE), cursor.as_deref()).await?;
    let mut answered = json!({ "documents": found.documents.iter().map(described).collect::<Vec<_>>() });
    if let Some(cursor) = found.next_cursor {
        answered["nextCursor"] = cursor.into();
    }
    Ok(answer(answered))
}

async fn read(request: &Request, arguments: Map<String, Value>) -> Result<ToolResult> {
    let Read { id, offset, limit } = arguments::read(arguments)?;
    if !(1..=Read::MOST).contains(&limit) {
        return Err(Error::bad_input("limit", format!("Give 1 to {} characters.", Read::MOST)));
    }
    let document = request.get::<document::Entity>(id).await?;
    let source = documents::source(request, &document).await?;
    let mut parts = source.char_indices().skip(offset);
    let begin = parts.next().map_or(source.len(), |(at, _)| at);
    let end = parts.nth(limit - 1).map(|(at, _)| at);
    let part = &source[begin..end.unwrap_or(source.len())];
    let mut answered = described(&document);
    answered["content"] = part.into();
    if let Some(description) = &document.description {
        answered["description"] = description.as_str().into();
    }
    if let Some(parent) = document.parent_id {
        answered["parentId"] = json!(parent);
    }
    if end.is_some() {
        answered["nextOffset"] = json!(offset + limit);
    }
    Ok(answer_with_text(answered, part.to_owned()))
}

async fn create(request: &Request, arguments: Map<String, Value>) -> Result<ToolResult> {
    let Create { space_id, title, content, parent_id, description, tags } = arguments::read(arguments)?;
    let new = NewDocument { title, content, parent_id, description, tags, ..NewDocument::default() };
    done(documents::create(request, space_id, new).await?)
}

async fn update(request: &Request, arguments: Map<String, Value>) -> Result<ToolResult> {
    let Update { id, expected_version, title, content, description } = arguments::read(arguments)?;
    let changes = DocumentChanges { title, content, description, ..DocumentChanges::default() };
    done(documents::update(request, id, Some(expected_version), changes).await?)
}

fn done(written: Committed<document::Model>) -> Result<ToolResult> {
    Ok(answer(described(&written.outcome)))
}

/// What the graph calls first and after is limit and cursor here.
fn in_our_words(error: Error) -> Error {
    match error {
        Error::BadInput { field, message } if field == "first" => Error::bad_input("limit", message),
        Error::BadInput { field, message } if field == "after" => Error::bad_input("cursor", message),
        other => other,
    }
}

async fn list_spaces(request: &Request, arguments: Map<String, Value>) -> Result<ToolResult> {
    let Spaces { limit, cursor } = arguments::read(arguments)?;
    let page = Page::new(Some(limit.unwrap_or(USUAL_PAGE)), cursor, None, None).map_err(in_our_words)?;
    let (found, next) = spaces::visible(request, &page).await.map_err(in_our_words)?;
    let listed = found.iter().map(|space| {
        let may_create = request.permitted::<space::Entity>(space).contains(Action::CreateDocuments);
        let mut listed = json!({
            "id": space.id, "name": space.name, "slug": space.slug, "canCreateDocuments": may_create,
        });
        if let Some(description) = &space.description {
            listed["description"] = description.as_str().into();
        }
        listed
    });
    let mut answered = json!({ "spaces": listed.collect::<Vec<_>>() });
    if let Some(cursor) = next {
        answered["nextCursor"] = cursor.encode().into();
    }
    Ok(answer(answered))
}
