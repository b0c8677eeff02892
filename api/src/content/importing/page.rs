//! What one Markdown file says: its front matter, its title and its text.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::front_matter::{self, FrontMatter};
use super::heading;
use crate::content::documents::{CONTENT_BYTES, metadata_fits};

/// What one file says.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub front: FrontMatter,
    /// The title of the front matter, else the first heading.
    pub title: Option<String>,
    /// The file without its front matter.
    pub text: String,
}

/// Reads a file. The error is the reason why it cannot be imported.
pub fn read(path: &Path) -> Result<Page, String> {
    let too_large = |bytes: u64| format!("is too large: {} of at most 10 MB", megabytes(bytes));
    let most = CONTENT_BYTES as u64;
    let mut file = fs::File::open(path).map_err(|error| reason(&error))?;
    let length = file.metadata().map_err(|error| reason(&error))?.len();
    if length > most {
        return Err(too_large(length));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // The file may grow while it is read.
    file.by_ref().take(most + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() as u64 > most {
        return Err(too_large(bytes.len() as u64));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    parse(&text)
}

fn parse(file: &str) -> Result<Page, String> {
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    if file.contains('\0') {
        return Err("holds a NUL character".to_owned());
    }
    let (front, text) = front_matter::split(file);
    if !metadata_fits(&Value::Object(front.metadata.clone())) {
        return Err("its front matter does not fit into metadata".to_owned());
    }
    // A block that was meant as front matter would read as a heading.
    let is_broken = !front.remarks.is_empty() && text.len() == file.len();
    let title = front.title.clone().or_else(|| heading::first(text).filter(|_| !is_broken));
    Ok(Page { front, title, text: text.to_owned() })
}

/// Why the file system refused, without the number of the error.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
        io::ErrorKind::NotFound => "is gone, or is a link that leads nowhere".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(1024 * 1024 / 10);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
