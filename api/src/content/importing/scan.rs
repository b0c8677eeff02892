//! Which Markdown files a folder holds, as the tree that they will become. A folder takes the content of its README or
//! index; one without any Markdown is left out, and so are hidden files. Links are followed within the folder only.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::page::{self, Page, reason};
use crate::content::documents::content_hash;

/// Levels of the tree at most, as of documents.
const DEEPEST: usize = 32;
/// Characters of a relative path at most: it becomes the external id.
const PATH_LENGTH: usize = 1_000;

/// A file or folder that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub path: String,
    pub reason: String,
}

/// A document to be: a file, or a folder with its own file if it has one.
#[derive(Debug)]
pub struct Entry {
    /// The path below the folder, with `/` between its parts: the document's external id.
    pub path: String,
    /// The last part of the path, without the ending of a Markdown file.
    pub name: String,
    pub file: Option<PathBuf>,
    /// What the file says, without its text, which may be long.
    pub page: Page,
    pub content_hash: Vec<u8>,
    pub children: Vec<Entry>,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Found {
    pub entries: Vec<Entry>,
    pub skipped: Vec<Skipped>,
    /// Files that were read.
    pub files: usize,
}

/// Looks through a folder. `read` is called for each file.
pub fn scan(folder: &Path, read: &dyn Fn(usize)) -> Result<Found, String> {
    let root = folder.canonicalize().map_err(|error| reason(&error))?;
    if !root.is_dir() {
        return Err("is not a folder".to_owned());
    }
    let mut scan = Scan { above: vec![root.clone()], root, found: Found::default(), read };
    let entries = fs::read_dir(folder).map_err(|error| reason(&error))?;
    let level = scan.level(entries.collect(), "");
    let mut found = scan.found;
    // At the top there is no folder document that the README could be the content of.
    found.entries = level.children;
    found.entries.extend(level.own);
    found.entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

struct Scan<'a> {
    root: PathBuf,
    /// The folders from the root to here, without links.
    above: Vec<PathBuf>,
    found: Found,
    read: &'a dyn Fn(usize),
}

/// One folder's content.
#[derive(Default)]
struct Level {
    own: Option<Entry>,
    children: Vec<Entry>,
}

enum Kind {
    Folder(PathBuf),
    Markdown,
    Other,
}

impl Scan<'_> {
    fn skip(&mut self, path: &str, reason: impl Into<String>) {
        self.found.skipped.push(Skipped { path: path.to_owned(), reason: reason.into() });
    }

    fn level(&mut self, entries: Vec<std::io::Result<DirEntry>>, above: &str) -> Level {
        let mut level = Level::default();
        let mut own_rank = usize::MAX;
        let mut named = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => named.push((entry.file_name(), entry)),
                Err(error) => self.skip(above, reason(&error)),
            }
        }
        named.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, entry) in named {
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let Some(path) = self.path(above, &name) else { continue };
            match self.kind(&entry) {
                Err(reason) => self.skip(&path, reason),
                Ok(Kind::Other) => {}
                Ok(Kind::Folder(real)) => level.children.extend(self.folder(&entry.path(), real, path)),
                Ok(Kind::Markdown) => {
                    let Some(entry) = self.file(entry.path(), path) else { continue };
                    let rank = own_content_rank(&entry.name);
                    if rank < own_rank {
                        own_rank = rank;
                        level.children.extend(level.own.replace(entry));
                    } else {
                        level.children.push(entry);
                    }
                }
            }
        }
        level.children.sort_by(|one, other| one.path.cmp(&other.path));
        level
    }

    /// The path below the root, if it can be an external id.
    fn path(&mut self, above: &str, name: &OsStr) -> Option<String> {
        let join = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
        let Some(text) = name.to_str() else {
            self.skip(&join(&name.to_string_lossy()), "its name is not UTF-8 text");
            return None;
        };
        let path = join(text);
        if text.chars().any(char::is_control) {
            self.skip(&path.escape_debug().to_string(), "its name holds control characters");
            return None;
        }
        if path.chars().count() > PATH_LENGTH {
            self.skip(&path, format!("its path is longer than {PATH_LENGTH} characters"));
            return None;
        }
        Some(path)
    }

    fn kind(&self, entry: &DirEntry) -> Result<Kind, String> {
        let mut kind = entry.file_type().map_err(|error| reason(&error))?;
        let markdown = is_markdown(&entry.path());
        let mut real = self.above.last().map(|above| above.join(entry.file_name())).unwrap_or_default();
        if kind.is_symlink() {
            let followed = entry.path().canonicalize();
            match followed {
                Ok(followed) => real = followed,
                // A link that leads nowhere matters only if it would have been imported.
                Err(_) if !markdown => return Ok(Kind::Other),
                Err(error) => return Err(reason(&error)),
            }
            kind = fs::metadata(&real).map_err(|error| reason(&error))?.file_type();
            if (kind.is_dir() || markdown) && !real.starts_with(&self.root) {
                return Err("is a link that leads out of the folder".to_owned());
            }
        }
        if kind.is_dir() {
            return Ok(Kind::Folder(real));
        }
        Ok(if kind.is_file() && markdown { Kind::Markdown } else { Kind::Other })
    }

    fn folder(&mut self, folder: &Path, real: PathBuf, path: String) -> Option<Entry> {
        if self.above.contains(&real) {
            self.skip(&path, "is a link to a folder that it stands in");
            return None;
        }
        if self.above.len() >= DEEPEST {
            self.skip(&path, format!("stands too deep: the tree of documents has at most {DEEPEST} levels"));
            return None;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries.collect(),
            Err(error) => {
                self.skip(&path, reason(&error));
                return None;
            }
        };
        self.above.push(real);
        let level = self.level(entries, &path);
        self.above.pop();
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        match level.own {
            Some(own) => Some(Entry { path, name, children: level.children, ..own }),
            None if level.children.is_empty() => None,
            None => {
                let content_hash = content_hash("");
                Some(Entry { path, name, file: None, page: Page::default(), content_hash, children: level.children })
            }
        }
    }

    fn file(&mut self, file: PathBuf, path: String) -> Option<Entry> {
        let read = page::read(&file);
        self.found.files += 1;
        (self.read)(self.found.files);
        match read {
            Ok(mut page) => {
                let content_hash = content_hash(&std::mem::take(&mut page.text));
                let name = path.rsplit('/').next().unwrap_or(&path);
                let name = name.rsplit_once('.').map_or(name, |(name, _)| name).to_owned();
                Some(Entry { path, name, file: Some(file), page, content_hash, children: Vec::new() })
            }
            Err(reason) => {
                self.skip(&path, reason);
                None
            }
        }
    }
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md") || ending.eq_ignore_ascii_case("markdown"))
}

/// Which file of a folder is the folder's own content: the README, else the index.
fn own_content_rank(name: &str) -> usize {
    ["readme", "index"].iter().position(|own| name.eq_ignore_ascii_case(own)).unwrap_or(usize::MAX)
}
