//! The canonical read as the guides of async-graphql teach it: resolvers over sqlx, the request and response types of
//! async-graphql-axum, and for each kind of child a loader of the dataloader crate, made anew for each request. It grants
//! what Trellis grants in this read and holds no request back: what Trellis is asked to be at least as fast as.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::{Context, EmptyMutation, EmptySubscription, Enum, ID, Object, Schema, SimpleObject};
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::serve::ListenerExt;
use chrono::{DateTime, Utc};
use dataloader::BatchFn;
use dataloader::cached::Loader;
use jsonwebtoken::{DecodingKey, Validation};
use sqlx::FromRow;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::Result;
use crate::handwritten::{Claims, SPACES_SQL, Settings, SpaceRow, TypeId};

type Answer<T> = async_graphql::Result<T>;

/// $1 the spaces, $2 whether each is granted, $3 the viewer.
const DOCUMENTS_SQL: &str = "
SELECT s.id AS space_id, d.id, d.title, d.status, d.created_at, d.owner_id
FROM unnest($1::uuid[], $2::boolean[]) AS s (id, granted)
CROSS JOIN LATERAL (
    SELECT d.id, d.title, d.status, d.created_at, d.updated_at, d.owner_id FROM content.documents d
    WHERE d.space_id = s.id AND d.deleted_at IS NULL AND d.status <> 'archived'
        AND (s.granted AND (d.visibility <> 'private' OR d.owner_id = $3)
            OR d.visibility IN ('organization', 'public'))
    ORDER BY d.updated_at DESC, d.id DESC LIMIT 20
) AS d
ORDER BY s.id, d.updated_at DESC, d.id DESC
";

/// $1 the people, $2 the viewer, $3 the viewer's organizations.
const OWNERS_SQL: &str = "
SELECT u.id, u.name, CASE WHEN u.id = $2 OR EXISTS (
    SELECT FROM tenancy.members m
    WHERE m.user_id = u.id AND m.organization_id = ANY ($3) AND m.status = 'active'
) THEN u.email END AS email
FROM identity.users u WHERE u.id = ANY ($1)
";

/// $1 the documents.
const TAGS_SQL: &str = "
SELECT d.id AS document_id, t.name
FROM unnest($1::uuid[]) AS d (id)
CROSS JOIN LATERAL (
    SELECT t.name, t.id FROM content.document_tags c JOIN content.tags t ON t.id = c.tag_id
    WHERE c.document_id = d.id ORDER BY t.name, t.id LIMIT 5
) AS t
ORDER BY d.id, t.name, t.id
";

/// Serves until the process is stopped.
pub async fn serve(settings: Settings) -> Result<()> {
    let plain = Plain {
        schema: Schema::build(Query, EmptyMutation, EmptySubscription).finish(),
        pool: settings.pool().await?,
        key: settings.key(),
        validation: Settings::validation(),
    };
    let routes = axum::Router::new().route("/graphql", post(graphql)).with_state(Arc::new(plain));
    let listener = settings.listener().await?;
    axum::serve(listener.tap_io(|connection| drop(connection.set_nodelay(true))), routes).await?;
    Ok(())
}

struct Plain {
    schema: Schema<Query, EmptyMutation, EmptySubscription>,
    pool: PgPool,
    key: DecodingKey,
    validation: Validation,
}

async fn graphql(
    State(plain): State<Arc<Plain>>,
    headers: HeaderMap,
    request: GraphQLRequest,
) -> Result<GraphQLResponse, StatusCode> {
    let mut request = request.into_inner();
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let claims = token.and_then(|token| jsonwebtoken::decode::<Claims>(token, &plain.key, &plain.validation).ok());
        request = request.data(claims.ok_or(StatusCode::UNAUTHORIZED)?.claims);
    }
    Ok(plain.schema.execute(request.data(plain.pool.clone())).await.into())
}

struct Query;

#[Object]
impl Query {
    async fn organization(&self, ctx: &Context<'_>, slug: String) -> Answer<Option<Organization>> {
        let Some(claims) = ctx.data_opt::<Claims>() else { return Ok(None) };
        let pool = ctx.data::<PgPool>()?;
        let rows: Vec<SpaceRow> =
            sqlx::query_as(SPACES_SQL).bind(claims.sid).bind(claims.sub).bind(slug).fetch_all(pool).await?;
        let first = rows.first().ok_or("The session is over.")?;
        let Some(name) = first.organization.clone() else { return Ok(None) };
        let loaders = Arc::new(Loaders::new(pool, claims.sub, first.organizations.clone()));
        let spaces = rows.into_iter().filter_map(|row| {
            let (id, name, granted) = (row.space_id?, row.space?, row.granted?);
            Some(Space { id, name, granted, loaders: Arc::clone(&loaders) })
        });
        Ok(Some(Organization { name, spaces: spaces.collect() }))
    }
}

struct Organization {
    name: String,
    spaces: Vec<Space>,
}

#[Object]
impl Organization {
    async fn name(&self) -> &str {
        &self.name
    }

    async fn spaces(&self, #[graphql(validator(maximum = 5))] first: usize) -> Spaces {
        Spaces { nodes: self.spaces.iter().take(first).cloned().collect() }
    }
}

#[derive(SimpleObject)]
struct Spaces {
    nodes: Vec<Space>,
}

#[derive(Clone)]
struct Space {
    id: Uuid,
    name: String,
    granted: bool,
    loaders: Arc<Loaders>,
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum DocumentOrder {
    UpdatedAtDesc,
}

#[Object]
impl Space {
    async fn id(&self) -> ID {
        ID(TypeId::new(b"spc_", self.id).as_str().to_owned())
    }

    async fn name(&self) -> &str {
        &self.name
    }

    async fn documents(
        &self,
        #[graphql(validator(maximum = 20))] first: usize,
        order_by: DocumentOrder,
    ) -> Answer<Documents> {
        let DocumentOrder::UpdatedAtDesc = order_by;
        let rows = self.loaders.documents.try_load((self.id, self.granted)).await?;
        let nodes = rows.iter().take(first);
        let nodes = nodes.map(|row| Document { row: row.clone(), loaders: Arc::clone(&self.loaders) }).collect();
        Ok(Documents { nodes })
    }
}

#[derive(SimpleObject)]
struct Documents {
    nodes: Vec<Document>,
}

struct Document {
    row: DocumentRow,
    loaders: Arc<Loaders>,
}

#[derive(Clone, FromRow)]
struct DocumentRow {
    space_id: Uuid,
    id: Uuid,
    title: String,
    status: Status,
    created_at: DateTime<Utc>,
    owner_id: Uuid,
}

#[derive(Enum, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase", type_name = "text")]
enum Status {
    Draft,
    Published,
    Archived,
}

#[Object]
impl Document {
    async fn id(&self) -> ID {
        ID(TypeId::new(b"doc_", self.row.id).as_str().to_owned())
    }

    async fn title(&self) -> &str {
        &self.row.title
    }

    async fn status(&self) -> Status {
        self.row.status
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    async fn owner(&self) -> Answer<Owner> {
        let owner = self.loaders.owners.try_load(self.row.owner_id).await?;
        owner.ok_or_else(|| "The owner is gone.".into())
    }

    async fn tags(&self, #[graphql(validator(maximum = 5))] first: usize) -> Answer<Tags> {
        let mut nodes = self.loaders.tags.try_load(self.row.id).await?;
        nodes.truncate(first);
        Ok(Tags { nodes })
    }
}

#[derive(Clone, FromRow, SimpleObject)]
struct Owner {
    #[graphql(skip)]
    id: Uuid,
    name: String,
    email: Option<String>,
}

#[derive(SimpleObject)]
struct Tags {
    nodes: Vec<Tag>,
}

#[derive(Clone, FromRow, SimpleObject)]
struct Tag {
    #[graphql(skip)]
    document_id: Uuid,
    name: String,
}

/// The loaders of one request, one for each kind of child.
struct Loaders {
    documents: Loader<(Uuid, bool), Vec<DocumentRow>, LoadDocuments>,
    owners: Loader<Uuid, Option<Owner>, LoadOwners>,
    tags: Loader<Uuid, Vec<Tag>, LoadTags>,
}

impl Loaders {
    fn new(pool: &PgPool, viewer: Uuid, organizations: Vec<Uuid>) -> Self {
        Self {
            documents: Loader::new(LoadDocuments { pool: pool.clone(), viewer }),
            owners: Loader::new(LoadOwners { pool: pool.clone(), viewer, organizations }),
            tags: Loader::new(LoadTags { pool: pool.clone() }),
        }
    }
}

struct LoadDocuments {
    pool: PgPool,
    viewer: Uuid,
}

impl BatchFn<(Uuid, bool), Vec<DocumentRow>> for LoadDocuments {
    async fn load(&mut self, keys: &[(Uuid, bool)]) -> HashMap<(Uuid, bool), Vec<DocumentRow>> {
        let (spaces, granted): (Vec<Uuid>, Vec<bool>) = keys.iter().copied().unzip();
        let rows = sqlx::query_as(DOCUMENTS_SQL).bind(spaces).bind(granted).bind(self.viewer).fetch_all(&self.pool);
        let granted: HashMap<Uuid, bool> = keys.iter().copied().collect();
        grouped(keys, rows.await, |row: &DocumentRow| (row.space_id, granted[&row.space_id]))
    }
}

struct LoadOwners {
    pool: PgPool,
    viewer: Uuid,
    organizations: Vec<Uuid>,
}

impl BatchFn<Uuid, Option<Owner>> for LoadOwners {
    async fn load(&mut self, keys: &[Uuid]) -> HashMap<Uuid, Option<Owner>> {
        let rows = sqlx::query_as(OWNERS_SQL).bind(keys.to_vec()).bind(self.viewer).bind(&self.organizations);
        let found = grouped(keys, rows.fetch_all(&self.pool).await, |owner: &Owner| owner.id);
        found.into_iter().map(|(id, owners)| (id, owners.into_iter().next())).collect()
    }
}

struct LoadTags {
    pool: PgPool,
}

impl BatchFn<Uuid, Vec<Tag>> for LoadTags {
    async fn load(&mut self, keys: &[Uuid]) -> HashMap<Uuid, Vec<Tag>> {
        let rows = sqlx::query_as(TAGS_SQL).bind(keys.to_vec()).fetch_all(&self.pool).await;
        grouped(keys, rows, |tag: &Tag| tag.document_id)
    }
}

/// The rows of each key. After an error nothing is of any key, which the loader then says of each.
fn grouped<K: Copy + Eq + Hash, T>(
    keys: &[K],
    rows: Result<Vec<T>, sqlx::Error>,
    key: impl Fn(&T) -> K,
) -> HashMap<K, Vec<T>> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("{error}");
            return HashMap::new();
        }
    };
    let mut groups: HashMap<K, Vec<T>> = keys.iter().map(|key| (*key, Vec::new())).collect();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
