//! What the tools are called, what they take and what they give, as clients and models read it.

use std::sync::LazyLock;

use entity::content::document;
use entity::tenancy::space;
use serde_json::{Value, json};

use crate::governance::pins::{Annotations, Pin, Tool};
use crate::platform::authorization::{Action, Resource, within_scopes};
use crate::platform::viewer::Viewer;

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    SearchDocuments,
    ReadDocument,
    CreateDocument,
    UpdateDocument,
    ListSpaces,
}

/// A tool of Trellis itself.
#[derive(Debug)]
pub struct OwnTool {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub input_schema: Value,
    pub output_schema: Value,
    pub annotations: Value,
    /// What it is, in one hash: an approval is for the tool as it was.
    pub pin: Pin,
    pub(super) does: Does,
}

impl OwnTool {
    /// Whether the viewer could ever do this: a key needs the scope that the same takes in the graph.
    pub fn is_for(&self, viewer: &Viewer) -> bool {
        fn may<E: Resource>(viewer: &Viewer, action: Action) -> bool {
            within_scopes::<E>(viewer).contains(action)
        }
        match self.does {
            Does::SearchDocuments | Does::ReadDocument => may::<document::Entity>(viewer, Action::Read),
            Does::CreateDocument => may::<space::Entity>(viewer, Action::CreateDocuments),
            Does::UpdateDocument => may::<document::Entity>(viewer, Action::Edit),
            Does::ListSpaces => may::<space::Entity>(viewer, Action::Read),
        }
    }
}

/// What is said of a tool beside its name.
struct Words {
    title: &'static str,
    description: &'static str,
    input: Value,
    output: Value,
    /// Whether it changes nothing.
    reads: bool,
    /// Whether it changes what is there.
    replaces: bool,
}

fn tool(name: &'static str, does: Does, words: Words) -> OwnTool {
    let Words { title, description, input: input_schema, output: output_schema, reads, replaces } = words;
    let hints = Annotations {
        read_only_hint: Some(reads),
        destructive_hint: Some(replaces),
        idempotent_hint: Some(reads),
        open_world_hint: Some(false),
        ..Annotations::default()
    };
    let pinned = Tool {
        name: name.to_owned(),
        title: Some(title.to_owned()),
        description: Some(description.to_owned()),
        input_schema: input_schema.clone(),
        output_schema: Some(output_schema.clone()),
        annotations: Some(hints),
    };
    let annotations = pinned.to_value()["annotations"].clone();
    OwnTool { name, title, description, input_schema, output_schema, annotations, pin: pinned.pin(), does }
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn number(description: &str) -> Value {
    json!({ "type": "integer", "description": description })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// One more page, where there is one.
fn next_cursor() -> Value {
    text("Give it as cursor for the next page. Absent on the last one.")
}

fn cursor() -> Value {
    text("The nextCursor of the page before.")
}

fn size() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20, "description": "How many, 1 to 100." })
}

/// What every tool says of a document.
fn described(more: Value, required: &[&str]) -> Value {
    let mut properties = json!({
        "id": text("The id of the document, doc_…"),
        "spaceId": text("The id of its space, spc_…"),
        "title": text("Its title."),
        "status": { "type": "string", "enum": ["DRAFT", "PUBLISHED", "ARCHIVED"] },
        "version": number("Counts its changes. Give it as expectedVersion when you change it."),
        "wordCount": number("How many words it has."),
        "updatedAt": json!({ "type": "string", "format": "date-time" }),
    });
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), more) {
        properties.extend(more);
    }
    let always = ["id", "spaceId", "title", "status", "version", "wordCount", "updatedAt"];
    object(properties, &[&always[..], required].concat())
}

static TOOLS: LazyLock<[OwnTool; 5]> = LazyLock::new(|| {
    [
        tool(
            "document_create",
            Does::CreateDocument,
            Words {
                title: "Create a document",
                description: "Creates a Markdown document in a space, as a draft.",
                input: object(
                    json!({
                        "spaceId": text("The id of the space, as space_list gives it."),
                        "title": text("Its title, 1 to 500 characters."),
                        "content": text("Its text as Markdown, up to 10 MB."),
                        "parentId": text("The document it stands below; at the top of the space, unless given."),
                        "description": text("What it is about, up to 2,000 characters."),
                        "tags": { "type": "array", "items": { "type": "string" }, "description": "The names of its tags." },
                    }),
                    &["spaceId", "title"],
                ),
                output: described(json!({}), &[]),
                reads: false,
                replaces: false,
            },
        ),
        tool(
            "document_read",
            Does::ReadDocument,
            Words {
                title: "Read a document",
                description: "Gives the Markdown text of a document, and its version. A long one comes in parts.",
                input: object(
                    json!({
                        "id": text("The id of the document."),
                        "offset": { "type": "integer", "minimum": 0, "default": 0, "description": "Characters to leave out at the beginning." },
                        "limit": { "type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 100_000, "description": "Characters at most." },
                    }),
                    &["id"],
                ),
                output: described(
                    json!({
                        "description": text("What it is about. Absent where nobody said."),
                        "parentId": text("The document it stands below. Absent at the top."),
                        "content": text("Its text, or this part of it."),
                        "nextOffset": number("Where the next part begins. Absent on the last one."),
                    }),
                    &["content"],
                ),
                reads: true,
                replaces: false,
            },
        ),
        tool(
            "document_search",
            Does::SearchDocuments,
            Words {
                title: "Search documents",
                description: "Finds documents by words in their titles and texts, the best first. Quotes keep words together, \
                OR takes either, a hyphen leaves out.",
                input: object(
                    json!({
                        "query": text("What to look for, up to 500 characters."),
                        "spaceId": text("Only in this space."),
                        "limit": size(),
                        "cursor": cursor(),
                    }),
                    &["query"],
                ),
                output: object(
                    json!({
                        "documents": { "type": "array", "items": described(json!({}), &[]) },
                        "nextCursor": next_cursor(),
                    }),
                    &["documents"],
                ),
                reads: true,
                replaces: false,
            },
        ),
        tool(
            "document_update",
            Does::UpdateDocument,
            Words {
                title: "Change a document",
                description: "Replaces the text, title or description of a document. Read it first: the change is refused if \
                somebody else changed it since.",
                input: object(
                    json!({
                        "id": text("The id of the document."),
                        "expectedVersion": number("The version you read."),
                        "title": text("Its new title."),
                        "content": text("Its whole new text as Markdown."),
                        "description": text("What it is about; an empty text removes it."),
                    }),
                    &["id", "expectedVersion"],
                ),
                output: described(json!({}), &[]),
                reads: false,
                replaces: true,
            },
        ),
        tool(
            "space_list",
            Does::ListSpaces,
            Words {
                title: "List spaces",
                description: "Gives the spaces that you may see, by name. Documents live in spaces.",
                input: object(json!({ "limit": size(), "cursor": cursor() }), &[]),
                output: object(
                    json!({
                        "spaces": { "type": "array", "items": object(
                            json!({
                                "id": text("The id of the space, spc_…"),
                                "name": text("Its name."),
                                "slug": text("Its name in addresses."),
                                "description": text("What it is for. Absent where nobody said."),
                                "canCreateDocuments": { "type": "boolean", "description": "Whether you may create documents in it." },
                            }),
                            &["id", "name", "slug", "canCreateDocuments"],
                        ) },
                        "nextCursor": next_cursor(),
                    }),
                    &["spaces"],
                ),
                reads: true,
                replaces: false,
            },
        ),
    ]
});

/// Every tool, by name.
pub fn all() -> &'static [OwnTool] {
    TOOLS.as_slice()
}

/// The tool with this name.
pub fn find(name: &str) -> Option<&'static OwnTool> {
    all().iter().find(|tool| tool.name == name)
}
