//! Puts drafts into spaces: as rows with an owner, a place in the tree, tags, dates and a life.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use entity::content::{document, document_content, document_tag, tag};
use entity::enums::{DocumentFormat, DocumentKind, DocumentStatus, DocumentVisibility, RenderFormat, TagReach};
use entity::ids::{DocumentId, OrganizationId, SpaceId, TagId, UserId};
use serde_json::{Value, json};

use super::calendar::{self, id_at};
use super::random::Random;
use super::world::World;
use super::writing::Draft;
use crate::content::{documents, tags};

/// Tags of one document at most.
const MOST_TAGS: usize = 5;
/// Colors of tags.
const COLORS: [&str; 12] = [
    "#2563eb", "#0891b2", "#0d9488", "#16a34a", "#65a30d", "#ca8a04", "#ea580c", "#dc2626", "#db2777", "#9333ea",
    "#4f46e5", "#475569",
];

/// How a document is kept, apart from what it says.
#[derive(Clone, Debug)]
pub struct Keeping {
    pub parent: Option<DocumentId>,
    pub kind: DocumentKind,
    pub owner: UserId,
    pub editor: UserId,
    pub created_at: DateTime<Utc>,
    /// Percent of documents of this sort that are still drafts.
    pub drafts: i64,
    /// Whether it may end in the archive or in the trash.
    pub mortal: bool,
    pub is_template: bool,
    pub slug: bool,
    /// The system it came from and its name there.
    pub origin: Option<(String, String)>,
    pub metadata: Value,
}

impl Keeping {
    pub fn new(owner: UserId, created_at: DateTime<Utc>) -> Self {
        Self {
            parent: None,
            kind: DocumentKind::Document,
            owner,
            editor: owner,
            created_at,
            drafts: 0,
            mortal: false,
            is_template: false,
            slug: false,
            origin: None,
            metadata: json!({}),
        }
    }
}

/// The documents and tags of one space.
pub struct Shelf {
    space: SpaceId,
    organization: Option<OrganizationId>,
    /// Whether everybody in the organization can enter the space.
    open: bool,
    random: Random,
    titles: HashMap<String, usize>,
    last_positions: HashMap<Option<DocumentId>, String>,
    tags: HashMap<String, TagId>,
}

impl Shelf {
    pub fn new(space: SpaceId, organization: Option<OrganizationId>, open: bool, random: Random) -> Self {
        Self {
            space,
            organization,
            open,
            random,
            titles: HashMap::new(),
            last_positions: HashMap::new(),
            tags: HashMap::new(),
        }
    }

    /// Puts a draft into the space.
    pub fn put(&mut self, world: &mut World, draft: Draft, keeping: Keeping) -> DocumentId {
        let Keeping { parent, kind, owner, editor, created_at, .. } = keeping;
        let id = DocumentId(id_at(created_at, &mut self.random));
        let life = self.life(&keeping);
        let position = documents::between(self.last_positions.get(&parent).map(String::as_str), None);
        self.last_positions.insert(parent, position.clone());
        let title = self.unique(draft.title, created_at);
        let whole = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let description = self.random.chance(35).then(|| first_sentence(&draft.text)).flatten();
        let visibility = self.visibility(kind, life.status);
        world.documents.push(document::Model {
            id,
            organization_id: self.organization,
            space_id: self.space,
            parent_id: parent,
            owner_id: owner,
            created_by: Some(owner),
            updated_by: Some(editor),
            kind,
            format: DocumentFormat::Markdown,
            slug: keeping.slug.then(|| tags::slug_of(&title)).filter(|slug| slug.is_ascii()),
            title,
            description,
            status: life.status,
            visibility,
            language_code: Some(draft.language.to_owned()),
            is_template: keeping.is_template,
            source: keeping.origin.as_ref().map(|(source, _)| source.clone()),
            external_id: keeping.origin.map(|(_, name)| name),
            metadata: keeping.metadata,
            file_type: None,
            file_size_bytes: None,
            render_format: RenderFormat::Html,
            position,
            word_count: whole(draft.text.split_whitespace().count()),
            content_length: whole(draft.text.chars().count()),
            size_bytes: whole(draft.text.len()),
            content_hash: Some(documents::content_hash(&draft.text)),
            version: life.version,
            published_at: life.published_at,
            archived_at: life.archived_at,
            last_accessed_at: None,
            created_at,
            updated_at: life.updated_at,
            deleted_at: life.deleted_at,
            tag_ids: Vec::new(),
        });
        for tag_id in self.tags(world, draft.tags, created_at) {
            world.document_tags.push(document_tag::Model {
                document_id: id,
                tag_id,
                organization_id: self.organization,
                space_id: self.space,
                created_at,
            });
        }
        world.contents.push(document_content::Model {
            document_id: id,
            organization_id: self.organization,
            space_id: self.space,
            source: draft.text,
            version: life.version,
            created_at,
            updated_at: life.updated_at,
        });
        id
    }

    /// Titles are told apart within a space.
    fn unique(&mut self, title: String, date: DateTime<Utc>) -> String {
        let mut candidate = title.clone();
        if self.titles.contains_key(&candidate) {
            candidate = format!("{title}, {}", calendar::long(date));
        }
        let times = self.titles.entry(candidate.clone()).or_default();
        *times += 1;
        if *times > 1 { format!("{candidate} ({times})") } else { candidate }
    }

    fn visibility(&mut self, kind: DocumentKind, status: DocumentStatus) -> DocumentVisibility {
        if kind == DocumentKind::Note || self.organization.is_none() {
            return DocumentVisibility::Private;
        }
        let chance = self.random.between(0, 99);
        match status {
            DocumentStatus::Draft if chance < 30 => DocumentVisibility::Private,
            DocumentStatus::Published if self.open && chance < 3 => DocumentVisibility::Public,
            _ if self.open && chance < 22 => DocumentVisibility::Organization,
            _ => DocumentVisibility::Space,
        }
    }

    /// What happened to a document since it was created.
    fn life(&mut self, keeping: &Keeping) -> Life {
        let random = &mut self.random;
        let end = calendar::end();
        let created_at = keeping.created_at;
        let (mut updated_at, mut version) = (created_at, 1);
        // Most are corrected on the same day, some come back to people's minds much later.
        while version < 24 && random.chance(if version == 1 { 75 } else { 48 }) {
            let minutes = if random.chance(70) { random.between(4, 900) } else { random.between(1_000, 130_000) };
            let next = updated_at + Duration::minutes(minutes) + Duration::milliseconds(random.between(0, 59_999));
            if next >= end {
                break;
            }
            updated_at = next;
            version += 1;
        }
        let age = (end - created_at).num_days();
        let status = match random.between(0, 99) {
            chance if chance < keeping.drafts => DocumentStatus::Draft,
            chance if keeping.mortal && age > 300 && chance >= 92 => DocumentStatus::Archived,
            _ => DocumentStatus::Published,
        };
        let was_published = status != DocumentStatus::Draft;
        let deleted = keeping.mortal && random.chance(2);
        Life {
            status,
            version,
            updated_at,
            published_at: was_published.then(|| created_at + (updated_at - created_at) / 3),
            archived_at: (status == DocumentStatus::Archived).then_some(updated_at),
            deleted_at: deleted.then_some(updated_at),
        }
    }

    /// The tags of these names, made where the space does not have them yet.
    fn tags(&mut self, world: &mut World, names: Vec<String>, since: DateTime<Utc>) -> Vec<TagId> {
        let mut ids = Vec::new();
        for name in names {
            let slug = tags::slug_of(&name);
            let id = match self.tags.get(&slug) {
                Some(id) => *id,
                None => {
                    let id = TagId(id_at(since, &mut self.random));
                    let color = COLORS[usize::from(
                        slug.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)),
                    ) % COLORS.len()];
                    world.tags.push(tag::Model {
                        id,
                        organization_id: self.organization,
                        space_id: self.space,
                        name,
                        slug: slug.clone(),
                        color: color.to_owned(),
                        description: None,
                        usage_count: 0,
                        is_explicit: false,
                        reach: TagReach::Owners,
                        private_owner_ids: Vec::new(),
                        version: 1,
                        created_at: since,
                        updated_at: since,
                    });
                    self.tags.insert(slug, id);
                    id
                }
            };
            if !ids.contains(&id) && ids.len() < MOST_TAGS {
                ids.push(id);
            }
        }
        ids
    }
}

struct Life {
    status: DocumentStatus,
    version: i32,
    updated_at: DateTime<Utc>,
    published_at: Option<DateTime<Utc>>,
    archived_at: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
}

/// The first sentence of plain text, if it is short enough to describe the whole.
fn first_sentence(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(char::is_alphabetic))?;
    let sentence = line.split_inclusive(". ").next()?.trim();
    (sentence.ends_with('.') && sentence.chars().count() <= 200).then(|| sentence.to_owned())
}
