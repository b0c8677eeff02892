//! Carrying an import out: level by level, so that parents come first, and within a level several writes at once.

use std::collections::HashMap;
use std::path::Path;

use entity::content::document;
use entity::enums::DocumentStatus;
use entity::ids::{DocumentId, SpaceId};
use futures_util::StreamExt;
use futures_util::stream;

use super::destination::Destination;
use super::difference::{Difference, step, title_of};
use super::page::{self, Page};
use super::scan::{Entry, Found, Skipped};
use super::store;
use super::summary::Summary;
use crate::content::documents::{self, DocumentChanges, NewDocument, Place};
use crate::content::tags;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::Dispatched;
use crate::platform::progress::Progress;
use crate::platform::request::Request;

/// What imported documents name as their source.
pub const SOURCE: &str = "import";
/// Writes under way at once.
const AT_ONCE: usize = 6;
/// How often a write is tried when others get in its way.
const TRIES: u32 = 5;

/// Imports what was found in a folder.
pub async fn import(destination: &Destination, found: Found, progress: &dyn Progress) -> Result<Summary> {
    // The rules of documents may load, and loads wait until somebody sends them off.
    Dispatched::new(destination.request.loaders().clone(), carry_out(destination, found, progress)).await
}

async fn carry_out(destination: &Destination, found: Found, progress: &dyn Progress) -> Result<Summary> {
    let Destination { request, space, .. } = destination;
    let mut earlier = Earlier {
        documents: store::imported(request, space.id, SOURCE).await?,
        tags: store::tags_of_imported(request, space.id, SOURCE).await?,
        last_positions: store::last_positions(request, space.id).await?,
    };
    let mut summary = Summary { skipped: found.skipped, ..Summary::default() };
    progress.begin("writing", count(&found.entries));
    let mut level: Vec<Task> = earlier.tasks(None, found.entries);
    let mut seen = Vec::new();
    while !level.is_empty() {
        let mut done: Vec<(Task, Result<Done>)> = stream::iter(level)
            .map(|task| async {
                let done = write(request, space.id, &task).await;
                progress.advance(1);
                (task, done)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        done.sort_by(|(one, _), (other, _)| one.entry.path.cmp(&other.entry.path));
        level = Vec::new();
        for (Task { entry, .. }, done) in done {
            seen.push(entry.path.clone());
            for remark in &entry.page.front.remarks {
                summary.remarks.push(Skipped { path: entry.path.clone(), reason: remark.clone() });
            }
            match done {
                Ok(done) => {
                    summary.count(&done);
                    level.extend(earlier.tasks(Some(done.id), entry.children));
                }
                Err(error) => summary.give_up(&entry, &error, progress),
            }
        }
    }
    progress.end();
    for path in &seen {
        earlier.documents.remove(path);
    }
    // What is skipped now may have been imported before; it is not gone.
    let gone =
        earlier.documents.into_keys().filter(|path| summary.skipped.iter().all(|skipped| !covers(skipped, path)));
    summary.gone = gone.collect();
    summary.gone.sort();
    Ok(summary)
}

fn covers(skipped: &Skipped, path: &str) -> bool {
    path.strip_prefix(&skipped.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn count(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| 1 + count(&entry.children)).sum()
}

/// What earlier imports left in the space.
struct Earlier {
    documents: HashMap<String, document::Model>,
    tags: HashMap<DocumentId, Vec<String>>,
    last_positions: HashMap<Option<DocumentId>, String>,
}

/// One document to bring to what its file says.
struct Task {
    entry: Entry,
    parent: Option<DocumentId>,
    document: Option<document::Model>,
    tags: Vec<String>,
    /// Where among its siblings a new document goes.
    position: String,
}

impl Earlier {
    /// The siblings below a parent. New ones go where their names belong among those that are there already.
    fn tasks(&self, parent: Option<DocumentId>, entries: Vec<Entry>) -> Vec<Task> {
        let documents: Vec<Option<document::Model>> =
            entries.iter().map(|entry| self.documents.get(&entry.path).cloned()).collect();
        let standing: Vec<Option<String>> = documents
            .iter()
            .map(|document| document.as_ref().filter(|held| held.parent_id == parent).map(|held| held.position.clone()))
            .collect();
        let mut last = self.last_positions.get(&parent).cloned();
        let mut previous: Option<String> = None;
        let mut tasks = Vec::with_capacity(entries.len());
        for (index, (entry, document)) in entries.into_iter().zip(documents).enumerate() {
            let position = match &standing[index] {
                Some(position) => position.clone(),
                None => {
                    let behind = standing[index + 1..].iter().flatten().find(|next| Some(*next) > previous.as_ref());
                    let before = if behind.is_some() { &previous } else { last.as_ref().map_or(&previous, |_| &last) };
                    documents::between(before.as_deref(), behind.map(String::as_str))
                }
            };
            previous = previous.max(Some(position.clone()));
            last = last.max(Some(position.clone()));
            let tags = document.as_ref().and_then(|held| self.tags.get(&held.id).cloned()).unwrap_or_default();
            tasks.push(Task { entry, parent, document, tags, position });
        }
        tasks
    }
}

/// What became of one document.
struct Done {
    id: DocumentId,
    created: bool,
    updated: bool,
    moved: bool,
}

impl Summary {
    fn count(&mut self, done: &Done) {
        self.created += usize::from(done.created);
        self.updated += usize::from(done.updated);
        self.moved += usize::from(done.moved);
        self.unchanged += usize::from(!done.created && !done.updated && !done.moved);
    }

    /// Notes a document that was not written, and what stands below it.
    fn give_up(&mut self, entry: &Entry, error: &Error, progress: &dyn Progress) {
        let mut reason = error.to_string();
        reason.truncate(reason.trim_end_matches('.').len());
        let refused = matches!(error, Error::Rejected(_) | Error::BadInput { .. } | Error::Forbidden | Error::NotFound);
        let list = if refused { &mut self.skipped } else { &mut self.failed };
        list.push(Skipped { path: entry.path.clone(), reason });
        let mut below: Vec<&Entry> = entry.children.iter().collect();
        while let Some(child) = below.pop() {
            progress.advance(1);
            list.push(Skipped { path: child.path.clone(), reason: "what it stands below was not imported".to_owned() });
            below.extend(&child.children);
        }
    }
}

async fn write(request: &Request, space: SpaceId, task: &Task) -> Result<Done> {
    let mut tries = 0;
    loop {
        tries += 1;
        let done = match &task.document {
            None => create(request, space, task).await,
            Some(document) => change(request, document, task).await,
        };
        match done {
            Err(Error::Conflict) if tries < TRIES => {}
            done => return done,
        }
    }
}

/// The text of the entry's file, as it is now.
async fn text(entry: &Entry) -> Result<String> {
    let Some(file) = entry.file.clone() else { return Ok(String::new()) };
    let page = tokio::task::spawn_blocking(move || page::read(Path::new(&file))).await.map_err(Error::internal)?;
    Ok(page.map_err(|reason| Error::bad_input("file", reason))?.text)
}

async fn create(request: &Request, space: SpaceId, task: &Task) -> Result<Done> {
    let entry = &task.entry;
    let Page { front, .. } = entry.page.clone();
    let new = NewDocument {
        parent_id: task.parent,
        position: Some(task.position.clone()),
        title: title_of(entry),
        content: text(entry).await?,
        description: front.description,
        slug: front.slug,
        status: Some(front.status.unwrap_or(DocumentStatus::Published)),
        visibility: front.visibility,
        language_code: front.language_code,
        source: Some(SOURCE.to_owned()),
        external_id: Some(entry.path.clone()),
        metadata: Some(front.metadata.into()),
        tags: front.tags.unwrap_or_default(),
        created_at: front.created_at,
        ..NewDocument::default()
    };
    let created = documents::create(request, space, new).await?.outcome;
    Ok(Done { id: created.id, created: true, updated: false, moved: false })
}

/// Brings a document to what its file says, by the operations that people use too. Each is a write of its own, so a run
/// that is cut off leaves nothing half done that the next run would not finish.
async fn change(request: &Request, document: &document::Model, task: &Task) -> Result<Done> {
    let id = document.id;
    let difference = Difference::of(&task.entry, task.parent, document, &task.tags);
    let done = Done { id, created: false, updated: difference.changes_document(), moved: difference.parent.is_some() };
    if difference.is_nothing() {
        return Ok(done);
    }
    if difference.properties.is_some() || difference.content {
        let content = if difference.content { Some(text(&task.entry).await?) } else { None };
        let changes = DocumentChanges { content, ..difference.properties.unwrap_or_default() };
        documents::update(request, id, Some(document.version), changes).await?;
    }
    if !difference.tags_to_remove.is_empty() {
        tags::untag_document(request, id, difference.tags_to_remove).await?;
    }
    if !difference.tags_to_add.is_empty() {
        tags::tag_document(request, id, difference.tags_to_add).await?;
    }
    if let Some(wanted) = difference.status {
        let mut status = document.status;
        while let Some(transition) = step(status, wanted) {
            status = documents::change_status(request, id, None, transition).await?.outcome.status;
        }
    }
    if let Some(parent) = difference.parent {
        documents::move_document(request, id, None, parent, Place::Last).await?;
    }
    Ok(done)
}
