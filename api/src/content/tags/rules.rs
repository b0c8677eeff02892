//! What may happen to tags, and to which documents carry them. A tag is seen by whoever may read something that carries
//! it; one that the actor does not see gives way to a new one of its name, and nothing tells of it.

use entity::content::{document, tag};
use entity::enums::{SpaceRole, TagReach};
use entity::ids::{DocumentId, SpaceId, TagId};
use entity::tenancy::space;
use sea_orm::Condition;
use uuid::Uuid;

use super::events::{TagChangeKind, TagEvent};
use super::{names, store};
use crate::content::documents::{DocumentChangeKind, DocumentEvent, changed_tags};
use crate::content::{ContentErrorCode as Code, check_version};
use crate::platform::authorization::{Action, ActionSet, Authority, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

/// Tags of one document at most.
pub const MOST_ON_DOCUMENT: usize = 50;
/// Characters of a tag's name at most.
pub const NAME_LENGTH: usize = 50;
const DEFAULT_COLOR: &str = "#3b82f6";

const READER: ActionSet = ActionSet::of(&[Action::Read]);
const EDITOR: ActionSet = READER.and(ActionSet::of(&[Action::Edit, Action::Delete]));

impl Resource for tag::Entity {
    type Id = TagId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::DocumentsRead, READER), (Scope::DocumentsWrite, EDITOR)];

    fn id(row: &tag::Model) -> TagId {
        row.id
    }

    fn id_column() -> tag::Column {
        tag::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &tag::Model) -> ActionSet {
        let is_own = viewer.user_id().is_some_and(|user| row.private_owner_ids.contains(&user.uuid()));
        let in_organization = row.organization_id.and_then(|id| viewer.organization_role(id)).is_some();
        let reach = if row.is_explicit { row.reach.max(TagReach::Readers) } else { row.reach };
        match (viewer.content_role(row.space_id), reach) {
            (Some(SpaceRole::Editor | SpaceRole::Manager), TagReach::Owners) if !is_own => ActionSet::NONE,
            (Some(SpaceRole::Editor | SpaceRole::Manager), _) => EDITOR,
            (Some(SpaceRole::Reader | SpaceRole::Commenter), TagReach::Owners | TagReach::Editors) if !is_own => {
                ActionSet::NONE
            }
            (Some(SpaceRole::Reader | SpaceRole::Commenter), _) => READER,
            (None, TagReach::Owners | TagReach::Editors | TagReach::Readers) => ActionSet::NONE,
            (None, TagReach::Organization) if !in_organization => ActionSet::NONE,
            (None, TagReach::Organization | TagReach::Everyone) => READER,
        }
    }

    /// Narrower than `permitted` in one way: what public documents of strangers carry is in no list of tags.
    fn reach(viewer: &Viewer) -> Condition {
        match (viewer.user_id(), viewer.grants()) {
            (Some(user), Some(grants)) => store::within(user, grants),
            _ => nothing(),
        }
    }
}

/// What a new tag is made from.
pub struct NewTag {
    pub id: Option<TagId>,
    pub name: String,
    pub color: Option<String>,
    pub description: Option<String>,
}

/// Creates a tag in a space.
pub async fn create_tag(request: &Request, space_id: SpaceId, new: NewTag) -> Result<Committed<tag::Model>> {
    let new = NewTag {
        id: new.id,
        name: check_name("name", &new.name)?,
        color: Some(check_color(new.color)?.unwrap_or_else(|| DEFAULT_COLOR.to_owned())),
        description: checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?,
    };
    let mut write = request.begin_write().await?;
    let space = write.granted_parent::<space::Entity>(space_id, Action::ManageTags).await?;
    names::lock(&write, space.id).await?;
    let carriers = names::clear_way(&write, space.id, &[&new.name]).await?;
    let tag = store::insert(&write, &space, new).await?;
    names::hand_on(&write, tag.id, &tag.name, &carriers).await?;
    write.record(&TagEvent { kind: TagChangeKind::Created, tag: &tag });
    write.commit(tag).await
}

/// What may be changed; none leaves it as it is.
pub struct TagChanges {
    pub name: Option<String>,
    pub color: Option<String>,
    pub description: Option<String>,
}

/// Changes a tag. What is there already changes nothing.
pub async fn update_tag(
    request: &Request,
    id: TagId,
    expected_version: Option<i32>,
    changes: TagChanges,
) -> Result<Committed<tag::Model>> {
    let changes = TagChanges {
        name: changes.name.map(|name| check_name("name", &name)).transpose()?,
        color: check_color(changes.color)?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
    };
    if matches!(request.viewer(), Viewer::Anonymous) {
        return Err(Error::Unauthenticated);
    }
    let space = request.get::<tag::Entity>(id).await?.space_id;
    let mut write = request.begin_write().await?;
    names::lock(&write, space).await?;
    let tag = write.granted::<tag::Entity>(id, Action::Edit).await?;
    check_version(expected_version, tag.version)?;
    let carriers = match &changes.name {
        Some(name) if name.to_lowercase() != tag.name.to_lowercase() => {
            names::clear_way(&write, space, &[name]).await?
        }
        _ => Vec::new(),
    };
    let Some(updated) = store::update(&write, &tag, changes).await? else {
        return write.commit(tag.into_row()).await;
    };
    names::hand_on(&write, updated.id, &updated.name, &carriers).await?;
    write.record(&TagEvent { kind: TagChangeKind::Updated, tag: &updated });
    write.commit(updated).await
}

/// Deletes a tag; documents lose it.
pub async fn delete_tag(request: &Request, id: TagId) -> Result<Committed<TagId>> {
    let mut write = request.begin_write().await?;
    // Documents are locked before their tags, as where they are tagged; for nobody who may not delete the tag.
    if store::seen(&write, id).await?.is_some_and(|tag| write.permitted::<tag::Entity>(&tag).contains(Action::Delete)) {
        store::lock_carriers(&write, id).await?;
    }
    let tag = write.granted::<tag::Entity>(id, Action::Delete).await?;
    write.record(&TagEvent { kind: TagChangeKind::Deleted, tag: tag.row() });
    write.delete(tag).await?;
    write.commit(id).await
}

/// Puts tags on a document, by name; those that the space does not have yet are made. The ones it carries already
/// change nothing.
pub async fn tag_document(request: &Request, id: DocumentId, names: Vec<String>) -> Result<Committed<document::Model>> {
    check_number(&names)?;
    let mut write = request.begin_write().await?;
    let document = write.granted::<document::Entity>(id, Action::Edit).await?;
    if put(&write, &document, document.row(), &names).await?.is_empty() {
        return write.commit(document.into_row()).await;
    }
    let changed = changed_tags(&write, &document).await?;
    write.record(&DocumentEvent::of(DocumentChangeKind::Tagged, &changed));
    write.commit(changed).await
}

/// Takes tags off a document, by name. The ones it does not carry change nothing.
pub async fn untag_document(
    request: &Request,
    id: DocumentId,
    names: Vec<String>,
) -> Result<Committed<document::Model>> {
    check_number(&names)?;
    let mut write = request.begin_write().await?;
    let document = write.granted::<document::Entity>(id, Action::Edit).await?;
    if store::take_off(&write, document.row(), &names).await? == 0 {
        return write.commit(document.into_row()).await;
    }
    let changed = changed_tags(&write, &document).await?;
    write.record(&DocumentEvent::of(DocumentChangeKind::Tagged, &changed));
    write.commit(changed).await
}

/// Puts tags on a document within an open write; gives the ids of those that it did not carry before.
pub async fn put(
    write: &Write<'_>,
    authority: &dyn Authority,
    document: &document::Model,
    names: &[String],
) -> Result<Vec<Uuid>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        let name = check_name("tags", name)?;
        if !unique.iter().any(|held| held.to_lowercase() == name.to_lowercase()) {
            unique.push(name);
        }
    }
    let tags = store::named(write, authority, document, &unique, DEFAULT_COLOR).await?;
    let added = store::put_on(write, document, &tags).await?;
    if !added.is_empty() && store::count_on(write, document.id).await? > MOST_ON_DOCUMENT {
        return Err(too_many("tags", format!("A document carries at most {MOST_ON_DOCUMENT} tags.")));
    }
    Ok(added)
}

/// Refuses more tags in one call than a document can carry.
pub fn check_number(names: &[String]) -> Result<()> {
    if names.len() > MOST_ON_DOCUMENT {
        return Err(too_many("tags", format!("Give at most {MOST_ON_DOCUMENT} tags.")));
    }
    Ok(())
}

fn too_many(field: &'static str, message: String) -> Error {
    reject(field, Code::TooMany, message)
}

fn check_name(field: &'static str, name: &str) -> Result<String> {
    checks::required_text(field, name, NAME_LENGTH, Code::TitleRequired, Code::TextInvalid)
}

fn check_color(color: Option<String>) -> Result<Option<String>> {
    color.map(|color| checks::color("color", &color, Code::TextInvalid)).transpose()
}

/// The name of a tag in addresses: its letters and digits in lower case, with hyphens between.
pub fn slug_of(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for character in name.to_lowercase().chars() {
        if character.is_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.trim_end_matches('-').chars().take(NAME_LENGTH).collect();
    if slug.is_empty() { name.trim().to_owned() } else { slug }
}
