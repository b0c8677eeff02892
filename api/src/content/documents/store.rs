//! How documents are stored and listed. Lists read the light rows alone; content has its own load.

use std::collections::HashMap;
use std::sync::Arc;

use entity::content::{document, document_content, document_tag, tag};
use entity::enums::{DocumentStatus, DocumentVisibility};
use entity::ids::{DocumentId, SpaceId, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityName, QueryFilter, Select};
use uuid::Uuid;

use super::filter::{DocumentFilter, DocumentOrder, List};
use crate::content::ContentErrorCode as Code;
use crate::platform::authorization::{Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Slice, Sort, SortKey, SortKind};
use crate::platform::viewer::Grants;
use crate::platform::write::Write;

use document::{Column, Entity, Model};

/// The documents within a user's grants: those of its spaces that are not others' private ones, and those open to
/// its organizations. Of the trash, what it may restore.
pub fn within(user: UserId, grants: &Grants) -> Condition {
    let own_or_open =
        Condition::any().add(Column::Visibility.ne(DocumentVisibility::Private)).add(Column::OwnerId.eq(user));
    let mut readable =
        Condition::any().add(Condition::all().add(Column::SpaceId.eq_any(grants.space_ids())).add(own_or_open));
    if !grants.organizations.is_empty() {
        readable = readable.add(
            Condition::all()
                .add(Column::OrganizationId.eq_any(grants.organization_ids()))
                .add(Column::Visibility.is_in([DocumentVisibility::Organization, DocumentVisibility::Public])),
        );
    }
    let present = Condition::any().add(Column::DeletedAt.is_null()).add(Column::SpaceId.eq_any(grants.edited()));
    Condition::all().add(readable).add(present)
}

/// What a list hangs below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Above {
    Space(SpaceId),
    Document(DocumentId),
    Owner(UserId),
}

impl Above {
    fn kind(self) -> Kind {
        match self {
            Self::Space(_) => Kind::Space,
            Self::Document(_) => Kind::Document,
            Self::Owner(_) => Kind::Owner,
        }
    }

    fn uuid(self) -> Uuid {
        match self {
            Self::Space(id) => id.uuid(),
            Self::Document(id) => id.uuid(),
            Self::Owner(id) => id.uuid(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Space,
    Document,
    Owner,
}

impl Kind {
    fn column(self) -> Column {
        match self {
            Self::Space => Column::SpaceId,
            Self::Document => Column::ParentId,
            Self::Owner => Column::OwnerId,
        }
    }

    fn above(self, id: Uuid) -> Above {
        match self {
            Self::Space => Above::Space(SpaceId(id)),
            Self::Document => Above::Document(DocumentId(id)),
            Self::Owner => Above::Owner(UserId(id)),
        }
    }
}

/// A page of documents below each of many parents.
pub struct Below;

impl Load for Below {
    type Key = (Above, List);
    type Value = Slice<Arc<Model>>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut by_list: HashMap<(Kind, List), Vec<[Uuid; 1]>> = HashMap::new();
        for (above, list) in keys {
            by_list.entry((above.kind(), list)).or_default().push([above.uuid()]);
        }
        let mut found = HashMap::new();
        for ((kind, list), parents) in by_list {
            let query = filtered(&Read::new(context.viewer.clone()), &list.filter);
            let parent = kind.column().into_expr();
            let slices = children::held_pages(context, query, parent, &parents, &list.page, &sort(list.order)).await?;
            for ([parent], slice) in slices {
                found.insert((kind.above(parent), list.clone()), slice);
            }
        }
        Ok(found)
    }
}

/// A page of documents in each of many spaces, for a reader of the space: whoever it is, all that is hidden from it
/// are other people's private documents. So the viewer is part of the key, and concurrent requests share a statement.
///
/// Invariant: asked only for spaces in which the viewer has a role, and for the trash only where it may restore.
pub struct InSpaces;

/// The space, who reads it, and the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InSpace {
    pub space: SpaceId,
    pub reader: UserId,
    pub list: List,
}

impl Load for InSpaces {
    type Key = InSpace;
    type Value = Slice<Arc<Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<InSpace>) -> Result<HashMap<InSpace, Self::Value>> {
        let mut by_list: HashMap<List, Vec<[Uuid; 2]>> = HashMap::new();
        for InSpace { space, reader, list } in keys {
            by_list.entry(list).or_default().push([space.uuid(), reader.uuid()]);
        }
        let mut found = HashMap::new();
        for (list, parents) in by_list {
            let hidden_from_others = Condition::any()
                .add(Column::Visibility.ne(DocumentVisibility::Private))
                .add(Column::OwnerId.into_expr().eq(Expr::col(children::READER)));
            let query = filtered(&Read::new(context.viewer.clone()), &list.filter).filter(hidden_from_others);
            let parent = Column::SpaceId.into_expr();
            let slices = children::held_pages(context, query, parent, &parents, &list.page, &sort(list.order)).await?;
            for ([space, reader], slice) in slices {
                let key = InSpace { space: SpaceId(space), reader: UserId(reader), list: list.clone() };
                found.insert(key, slice);
            }
        }
        Ok(found)
    }
}

/// How many documents each parent has for the viewer.
pub struct CountBelow;

impl Load for CountBelow {
    type Key = (Above, Arc<DocumentFilter>);
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        let mut by_filter: HashMap<(Kind, Arc<DocumentFilter>), Vec<Uuid>> = HashMap::new();
        for (above, filter) in keys {
            by_filter.entry((above.kind(), filter)).or_default().push(above.uuid());
        }
        let mut found = HashMap::new();
        for ((kind, filter), parents) in by_filter {
            let query = filtered(&Read::new(context.viewer.clone()), &filter);
            let counts = children::counts(&context.connection, query, kind.column(), &parents).await?;
            found.extend(counts.into_iter().map(|(id, count)| ((kind.above(id), Arc::clone(&filter)), count)));
        }
        Ok(found)
    }
}

fn filtered(read: &Read, filter: &DocumentFilter) -> Select<Entity> {
    let trashed = filter.trashed.unwrap_or(false);
    let mut query = read.visible::<Entity>().filter(condition(filter)).filter(if trashed {
        Column::DeletedAt.is_not_null()
    } else {
        Column::DeletedAt.is_null()
    });
    if !filter.mentions_status() && !trashed {
        query = query.filter(Column::Status.ne(DocumentStatus::Archived));
    }
    query
}

fn condition(filter: &DocumentFilter) -> Condition {
    macro_rules! choice {
        ($choice:expr, $column:expr) => {
            $choice.as_ref().map(|choice| {
                Condition::all()
                    .add_option(choice.eq.map(|value| $column.eq(value)))
                    .add_option(choice.one_of.clone().map(|values| $column.is_in(values)))
                    .add_option(choice.not_in.clone().map(|values| $column.is_not_in(values)))
            })
        };
    }
    let tagged = |condition: Condition| {
        let carriers = Query::select()
            .column(document_tag::Column::DocumentId)
            .from(document_tag::Entity.table_ref())
            .inner_join(
                tag::Entity.table_ref(),
                Expr::col((tag::Entity, tag::Column::Id)).equals((document_tag::Entity, document_tag::Column::TagId)),
            )
            .cond_where(condition)
            .to_owned();
        Column::Id.in_subquery(carriers)
    };
    let mut all = Condition::all()
        .add_option(choice!(filter.kind, Column::Kind))
        .add_option(choice!(filter.status, Column::Status))
        .add_option(choice!(filter.visibility, Column::Visibility))
        .add_option(filter.title.as_ref().map(|text| text.condition(Column::Title)))
        .add_option(filter.language_code.as_ref().map(|text| text.condition(Column::LanguageCode)))
        .add_option(filter.source.as_ref().map(|text| text.condition(Column::Source)))
        .add_option(filter.external_id.as_ref().map(|text| text.condition(Column::ExternalId)))
        .add_option(filter.owner_id.map(|id| Column::OwnerId.eq(id)))
        .add_option(filter.parent_id.map(|id| Column::ParentId.eq(id)))
        .add_option(filter.is_root.map(
            |root| {
                if root { Column::ParentId.is_null() } else { Column::ParentId.is_not_null() }
            },
        ))
        .add_option(filter.is_template.map(|template| Column::IsTemplate.eq(template)))
        .add_option(filter.tag_id.map(|id| tagged(Condition::all().add(tag::Column::Id.eq(id)))))
        .add_option(filter.tag.as_ref().map(|slug| tagged(Condition::all().add(tag::Column::Slug.eq(slug.as_str())))))
        .add_option(filter.word_count.as_ref().map(|number| number.condition(Column::WordCount)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
        .add_option(filter.updated_at.as_ref().map(|time| time.condition(Column::UpdatedAt)));
    for part in filter.and.iter().flatten() {
        all = all.add(condition(part));
    }
    if let Some(parts) = filter.or.as_ref().filter(|parts| !parts.is_empty()) {
        let any = parts.iter().fold(Condition::any(), |any, part| any.add(condition(part)));
        all = all.add(any);
    }
    // A comparison with nothing is neither true nor false in SQL; its opposite must still be found.
    all.add_option(
        filter.not.as_ref().map(|part| Expr::cust_with_expr("($1) IS NOT TRUE", Expr::from(condition(part)))),
    )
}

fn sort(order: DocumentOrder) -> Sort<Column> {
    let (column, kind, descending) = match order {
        DocumentOrder::UpdatedAtDesc => (Column::UpdatedAt, SortKind::Time, true),
        DocumentOrder::UpdatedAtAsc => (Column::UpdatedAt, SortKind::Time, false),
        DocumentOrder::CreatedAtDesc => (Column::CreatedAt, SortKind::Time, true),
        DocumentOrder::CreatedAtAsc => (Column::CreatedAt, SortKind::Time, false),
        DocumentOrder::TitleAsc => (Column::Title, SortKind::Text, false),
        DocumentOrder::TitleDesc => (Column::Title, SortKind::Text, true),
        DocumentOrder::PositionAsc => (Column::Position, SortKind::Text, false),
    };
    Sort { column, id: Column::Id, kind, descending }
}

/// Where a row stands in a list of this order.
pub fn place(order: DocumentOrder, row: &Model) -> Cursor {
    let Sort { column, .. } = sort(order);
    let key = match order {
        DocumentOrder::UpdatedAtDesc | DocumentOrder::UpdatedAtAsc => SortKey::Time(row.updated_at),
        DocumentOrder::CreatedAtDesc | DocumentOrder::CreatedAtAsc => SortKey::Time(row.created_at),
        DocumentOrder::TitleAsc | DocumentOrder::TitleDesc => SortKey::Text(row.title.clone()),
        DocumentOrder::PositionAsc => SortKey::Text(row.position.clone()),
    };
    Cursor::new(column, key, row.id)
}

/// The content of documents, reached through documents that the viewer may read.
pub struct Contents;

impl Load for Contents {
    type Key = DocumentId;
    type Value = Option<Arc<document_content::Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<DocumentId>) -> Result<HashMap<DocumentId, Self::Value>> {
        let rows = Read::new(context.viewer.clone())
            .through_granted_row::<document_content::Entity>("content is asked of a document that was read")
            .filter(document_content::Column::DocumentId.eq_any(keys))
            .all(&context.connection)
            .await?;
        Ok(rows.into_iter().map(|row| (row.document_id, Some(Arc::new(row)))).collect())
    }
}

pub async fn set_status(write: &Write<'_>, granted: &Granted<Entity>, status: DocumentStatus) -> Result<Model> {
    let now = write.request().now();
    let mut row = changed(write, granted);
    row.status = Set(status);
    match status {
        DocumentStatus::Published if granted.published_at.is_none() => row.published_at = Set(Some(now)),
        DocumentStatus::Draft => row.published_at = Set(None),
        DocumentStatus::Published | DocumentStatus::Archived => {}
    }
    row.archived_at = Set((status == DocumentStatus::Archived).then_some(now));
    write.update(granted, row).await
}

/// A change of a granted document: who, when, and the next version.
pub fn changed(write: &Write<'_>, granted: &Granted<Entity>) -> document::ActiveModel {
    marked(write, granted, document::ActiveModel::default())
}

/// The same for a change that is made already.
pub fn marked(write: &Write<'_>, granted: &Granted<Entity>, change: document::ActiveModel) -> document::ActiveModel {
    let request = write.request();
    document::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(request.now()),
        updated_by: Set(write.viewer().user_id()),
        ..change
    }
}

/// Marks a document whose tags changed.
pub async fn changed_tags(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    write.update(granted, changed(write, granted)).await
}

/// What a refusal of the database means to the user.
pub fn refused(error: Error) -> Error {
    let external_id_taken =
        || reject("externalId", Code::ExternalIdTaken, "Another document of the space has this external id.");
    error
        .when_constraint("documents_pkey", || checks::id_taken(Code::IdTaken))
        .when_constraint("documents_shared_external_id_key", external_id_taken)
        .when_constraint("documents_private_external_id_key", external_id_taken)
        .when_constraint("document_contents_source_size", || {
            reject("content", Code::ContentTooLarge, "The content is larger than 10 MB.")
        })
}
