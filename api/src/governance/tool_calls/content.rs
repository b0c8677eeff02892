//! What a tool answers, as a client sees it: typed blocks instead of JSON.

use async_graphql::{Context, Object, SimpleObject, Union};
use serde_json::Value;

use crate::platform::errors::Result;
use crate::platform::mcp::{ContentBlock, ResourceContents, ToolResult};
use crate::platform::request::RequestContext;

/// Text for a model or a person.
#[derive(SimpleObject)]
pub struct McpText {
    /// The text.
    text: String,
}

/// A picture.
#[derive(SimpleObject)]
pub struct McpImage {
    /// Its bytes in Base64.
    data: String,
    /// What they are, such as image/png.
    mime_type: String,
}

/// A sound.
#[derive(SimpleObject)]
pub struct McpAudio {
    /// Its bytes in Base64.
    data: String,
    /// What they are, such as audio/wav.
    mime_type: String,
}

/// A resource of the server, with what it holds. One of text and blob is there.
#[derive(SimpleObject)]
pub struct McpEmbeddedResource {
    /// Its address, as the server names it.
    uri: String,
    /// What it is, such as text/plain; null where the server does not say.
    mime_type: Option<String>,
    /// Its text; null where it is bytes.
    text: Option<String>,
    /// Its bytes in Base64; null where it is text.
    blob: Option<String>,
}

/// A resource that the server has, without what it holds.
#[derive(SimpleObject)]
pub struct McpResourceLink {
    /// Its address, as the server names it.
    uri: String,
    /// Its name.
    name: String,
    /// A title for people; null where it has none.
    title: Option<String>,
    /// What it is for; null where nobody says.
    description: Option<String>,
    /// What it is, such as text/plain; null where the server does not say.
    mime_type: Option<String>,
    /// How large it is, in bytes, a whole number which may be above what an Int holds; null where the server does not say.
    size_bytes: Option<f64>,
}

/// A part of what a tool answers.
#[derive(Union)]
pub enum McpContent {
    Text(McpText),
    Image(McpImage),
    Audio(McpAudio),
    Resource(McpEmbeddedResource),
    ResourceLink(McpResourceLink),
}

impl McpContent {
    /// None for a kind of content that the protocol did not know when this was written.
    fn of(block: ContentBlock) -> Option<Self> {
        Some(match block {
            ContentBlock::Text(text) => Self::Text(McpText { text: text.text }),
            ContentBlock::Image(image) => Self::Image(McpImage { data: image.data, mime_type: image.mime_type }),
            ContentBlock::Audio(audio) => Self::Audio(McpAudio { data: audio.data, mime_type: audio.mime_type }),
            ContentBlock::Resource(embedded) => Self::Resource(McpEmbeddedResource::of(embedded.resource)?),
            ContentBlock::ResourceLink(link) => Self::ResourceLink(McpResourceLink {
                uri: link.uri,
                name: link.name,
                title: link.title,
                description: link.description,
                mime_type: link.mime_type,
                size_bytes: link.size.map(|size| size as f64),
            }),
            _ => return None,
        })
    }
}

impl McpEmbeddedResource {
    fn of(contents: ResourceContents) -> Option<Self> {
        match contents {
            ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                Some(Self { uri, mime_type, text: Some(text), blob: None })
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                Some(Self { uri, mime_type, text: None, blob: Some(blob) })
            }
            _ => None,
        }
    }
}

/// What a tool answered.
pub struct McpToolResult {
    content: Vec<McpContent>,
    structured: Option<Value>,
    is_error: bool,
    size_bytes: u64,
}

/// What a tool answered. It is given once and not kept.
#[Object]
impl McpToolResult {
    /// Its parts, in order. Where a compliance policy redacts, `[redacted]` stands in the place of a text.
    async fn content(&self, ctx: &Context<'_>) -> Result<&[McpContent]> {
        // However often a document asks for it, one answer holds so much and no more.
        ctx.request().take_content_bytes(self.size_bytes)?;
        Ok(&self.content)
    }

    /// The same as data, in the shape of the tool's own output schema; null where the tool gives none.
    async fn structured(&self, ctx: &Context<'_>) -> Result<Option<&Value>> {
        ctx.request().take_content_bytes(self.size_bytes)?;
        Ok(self.structured.as_ref())
    }

    /// Whether the tool says that it failed; the content says why.
    async fn is_error(&self) -> bool {
        self.is_error
    }
}

impl From<ToolResult> for McpToolResult {
    fn from(result: ToolResult) -> Self {
        Self {
            content: result.content.into_iter().filter_map(McpContent::of).collect(),
            structured: result.structured,
            is_error: result.is_error,
            size_bytes: u64::try_from(result.size_bytes).unwrap_or(u64::MAX),
        }
    }
}
