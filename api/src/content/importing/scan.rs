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

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder that is removed in the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("trellis-scan-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("a folder can be made");
            Self(path)
        }

        fn file(&self, path: &str, content: impl AsRef<[u8]>) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().expect("a file stands in a folder")).expect("a folder can be made");
            fs::write(path, content).expect("a file can be written");
        }

        fn scan(&self) -> Found {
            scan(&self.0, &|_| {}).expect("the folder can be read")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// The tree as text: paths with their titles, children in brackets.
    fn drawn(entries: &[Entry]) -> String {
        let draw = |entry: &Entry| {
            let title = entry.page.title.as_deref().unwrap_or("-");
            let below =
                if entry.children.is_empty() { String::new() } else { format!(" [{}]", drawn(&entry.children)) };
            format!("{} {title}{below}", entry.path)
        };
        entries.iter().map(draw).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn folders_become_documents_with_the_content_of_their_readme() {
        let folder = Folder::new("tree");
        folder.file("README.md", "# Top");
        folder.file("guide/index.md", "# Index");
        folder.file("guide/ReadMe.MD", "# Guide");
        folder.file("guide/b.markdown", "text");
        folder.file("guide/a/x.md", "# X");
        folder.file("empty/picture.png", "no Markdown");
        folder.file(".hidden/y.md", "# Y");
        let found = folder.scan();
        let tree = "README.md Top, guide Guide [guide/a - [guide/a/x.md X], guide/b.markdown -, guide/index.md Index]";
        assert_eq!((drawn(&found.entries).as_str(), found.skipped.len(), found.files), (tree, 0, 5));
    }

    #[test]
    fn what_cannot_be_imported_is_named_with_the_reason() {
        let folder = Folder::new("odd");
        folder.file("bad/latin1.md", b"caf\xe9");
        folder.file("nul.md", "a\0b");
        folder.file("large.md", vec![b'a'; 10 * 1024 * 1024 + 1]);
        folder.file("fine.md", "# Fine");
        let odd_name = folder.0.join(OsStr::from_bytes(b"odd\xff.md"));
        fs::write(odd_name, "x").expect("a file can be written");
        symlink("nowhere.md", folder.0.join("broken.md")).expect("a link can be made");
        symlink("/", folder.0.join("out")).expect("a link can be made");
        symlink("..", folder.0.join("bad/loop")).expect("a link can be made");
        symlink("fine.md", folder.0.join("twin.md")).expect("a link can be made");
        let found = folder.scan();
        assert_eq!(drawn(&found.entries), "fine.md Fine, twin.md Fine");
        let mut skipped: Vec<String> =
            found.skipped.iter().map(|skipped| format!("{} {}", skipped.path, skipped.reason)).collect();
        skipped.sort();
        let expected = [
            "bad/latin1.md is not UTF-8 text",
            "bad/loop is a link to a folder that it stands in",
            "broken.md is gone, or is a link that leads nowhere",
            "large.md is too large: 10.1 MB of at most 10 MB",
            "nul.md holds a NUL character",
            "odd\u{fffd}.md its name is not UTF-8 text",
            "out is a link that leads out of the folder",
        ];
        assert_eq!(skipped, expected);
    }
}
