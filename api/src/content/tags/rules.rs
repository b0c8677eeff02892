//! What may happen to tags, and to which documents carry them.

use entity::content::{document, tag};
use entity::enums::SpaceRole;
use entity::ids::{SpaceId, TagId};
use entity::tenancy::space;
use sea_orm::Condition;

use super::store;
use crate::content::ContentErrorCode as Code;
use crate::content::documents::{DocumentChangeKind, DocumentEvent, changed_tags};
use crate::platform::authorization::{Action, ActionSet, Authority, Resource, nothing};
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

/// Tags of one document at most.
const MOST: usize = 50;
const DEFAULT_COLOR: &str = "#3B82F6";

impl Resource for tag::Entity {
    type Id = TagId;

    fn id(row: &tag::Model) -> TagId {
        row.id
    }

    fn id_column() -> tag::Column {
        tag::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &tag::Model) -> ActionSet {
        match viewer.content_role(row.space_id) {
            None => ActionSet::NONE,
            Some(SpaceRole::Reader | SpaceRole::Commenter) => ActionSet::of(&[Action::Read]),
            Some(SpaceRole::Editor | SpaceRole::Manager) => {
                ActionSet::of(&[Action::Read, Action::Edit, Action::Delete])
            }
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.space_ids()))
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
    let name = check_name("name", &new.name)?;
    let color = new.color.map(|color| check_color(&color)).transpose()?.unwrap_or_else(|| DEFAULT_COLOR.to_owned());
    let description = checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?;
    let write = request.begin_write().await?;
    let space = write.granted_parent::<space::Entity>(space_id, Action::ManageTags).await?;
    let tag = store::insert(&write, &space, new.id, name, color, description).await?;
    write.commit(tag).await
}

/// What may be changed; none leaves it as it is.
pub struct TagChanges {
    pub name: Option<String>,
    pub color: Option<String>,
    pub description: Option<String>,
}

/// Changes a tag.
pub async fn update_tag(
    request: &Request,
    id: TagId,
    expected_version: Option<i32>,
    changes: TagChanges,
) -> Result<Committed<tag::Model>> {
    let changes = TagChanges {
        name: changes.name.map(|name| check_name("name", &name)).transpose()?,
        color: changes.color.map(|color| check_color(&color)).transpose()?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
    };
    let write = request.begin_write().await?;
    let tag = write.granted::<tag::Entity>(id, Action::Edit).await?;
    if expected_version.is_some_and(|expected| expected != tag.version) {
        return Err(reject("expectedVersion", Code::Conflict, "The tag changed since you read it."));
    }
    let updated = store::update(&write, &tag, changes).await?;
    write.commit(updated).await
}

/// Deletes a tag; documents lose it.
pub async fn delete_tag(request: &Request, id: TagId) -> Result<Committed<TagId>> {
    let write = request.begin_write().await?;
    let tag = write.granted::<tag::Entity>(id, Action::Delete).await?;
    write.delete(tag).await?;
    write.commit(id).await
}

/// Puts tags on a document, by name; those that the space does not have yet are made.
pub async fn tag_document(
    request: &Request,
    id: entity::ids::DocumentId,
    names: Vec<String>,
) -> Result<Committed<document::Model>> {
    let mut write = request.begin_write().await?;
    let document = write.granted::<document::Entity>(id, Action::Edit).await?;
    put(&write, &document, document.row(), &names).await?;
    let changed = changed_tags(&write, &document).await?;
    write.record(&DocumentEvent { kind: DocumentChangeKind::Tagged, document: &changed });
    write.commit(changed).await
}

/// Takes tags off a document, by name.
pub async fn untag_document(
    request: &Request,
    id: entity::ids::DocumentId,
    names: Vec<String>,
) -> Result<Committed<document::Model>> {
    let mut write = request.begin_write().await?;
    let document = write.granted::<document::Entity>(id, Action::Edit).await?;
    store::take_off(&write, document.row(), &names).await?;
    let changed = changed_tags(&write, &document).await?;
    write.record(&DocumentEvent { kind: DocumentChangeKind::Tagged, document: &changed });
    write.commit(changed).await
}

/// Puts tags on a document within an open write.
pub async fn put(
    write: &Write<'_>,
    authority: &dyn Authority,
    document: &document::Model,
    names: &[String],
) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = names.iter().map(|name| check_name("tags", name)).collect::<Result<_>>()?;
    let tags = store::named(write, authority, document, names, DEFAULT_COLOR).await?;
    store::put_on(write, document, &tags).await?;
    let carried = store::count_on(write, document.id).await?;
    if carried > MOST {
        return Err(reject("tags", Code::TooMany, format!("A document carries at most {MOST} tags.")));
    }
    Ok(())
}

fn check_name(field: &'static str, name: &str) -> Result<String> {
    checks::required_text(field, name, 50, Code::TitleRequired, Code::TextInvalid)
}

fn check_color(color: &str) -> Result<String> {
    let digits = color.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(color.to_ascii_uppercase());
    }
    Err(reject("color", Code::TextInvalid, "Write the color as #RRGGBB."))
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
    let slug: String = slug.trim_end_matches('-').chars().take(50).collect();
    if slug.is_empty() { name.trim().to_owned() } else { slug }
}
