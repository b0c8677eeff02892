//! What people write: documents, their wide content apart from them, and tags.

pub mod document;
pub mod document_content;
pub mod document_tag;
pub mod tag;
