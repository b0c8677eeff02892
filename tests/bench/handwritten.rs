//! The canonical read written by hand in axum and sqlx: what a good Rust developer would write for this one endpoint
//! when speed matters, and nothing else. It answers with the same JSON as Trellis and grants the same:
//!
//! - The bearer token is verified with jsonwebtoken; without one nobody asks, and nobody sees an organization.
//! - One statement confirms the session and its user, finds the organization that the user is an active member of,
//!   and lists its spaces: those open to the organization, those the user or one of its teams was added to, and all
//!   of them for owners and admins.
//! - One statement reads the latest documents of all those spaces by a lateral join, with the visibility of each
//!   document respected, and with them their owners and tags. An owner's address shows only to who shares an
//!   organization with them.
//!
//! Both are prepared and run on one connection. Nothing is cached between requests: grants are part of the statements.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize, Serializer};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{FromRow, Row};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::Result;

/// What the endpoint is told.
#[derive(clap::Args, Debug)]
pub struct Settings {
    #[arg(long, env = "DATABASE_URL")]
    database_url: String,
    #[arg(long, env = "BENCH_CONNECTIONS")]
    connections: u32,
    #[arg(long, env = "BENCH_PORT")]
    port: u16,
    #[arg(long, env = "TRELLIS_TOKEN_SECRET")]
    token_secret: String,
    /// PostgreSQL's `plan_cache_mode`.
    #[arg(long, env = "BENCH_PLANS", default_value = "auto")]
    plans: String,
}

/// $1 the session, $2 its user, $3 the slug. A row for each space, one row without a space where there is none,
/// and no row when the session is over.
pub const SPACES_SQL: &str = "
WITH viewer AS MATERIALIZED (
    SELECT s.user_id, ARRAY(
        SELECT m.organization_id FROM tenancy.members m
        JOIN tenancy.organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL AND o.status = 'active'
        WHERE m.user_id = s.user_id AND m.status = 'active'
    ) AS organizations
    FROM identity.sessions s
    JOIN identity.users u ON u.id = s.user_id AND u.deleted_at IS NULL AND u.status <> 'suspended'
    WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > now()
)
SELECT viewer.organizations, o.name AS organization, space.id AS space_id, space.name AS space, space.granted
FROM viewer
LEFT JOIN (
    tenancy.organizations o JOIN tenancy.members m ON m.organization_id = o.id AND m.status = 'active'
) ON o.slug = $3 AND o.deleted_at IS NULL AND o.status = 'active' AND m.user_id = viewer.user_id
LEFT JOIN LATERAL (
    SELECT s.id, s.name, reach.granted FROM tenancy.spaces s
    CROSS JOIN LATERAL (SELECT s.privacy = 'open' OR EXISTS (
        SELECT FROM tenancy.space_members g WHERE g.space_id = s.id AND g.user_id = viewer.user_id
    ) OR EXISTS (
        SELECT FROM tenancy.space_members g JOIN tenancy.team_members t ON t.team_id = g.team_id
        WHERE g.space_id = s.id AND t.user_id = viewer.user_id
    ) AS granted) AS reach
    WHERE s.organization_id = o.id AND s.deleted_at IS NULL AND (reach.granted OR m.role IN ('owner', 'admin'))
    ORDER BY s.name, s.id LIMIT 5
) AS space ON true
";

/// $1 the spaces, $2 whether each is granted, $3 the viewer, $4 the viewer's organizations.
pub const DOCUMENTS_SQL: &str = "
SELECT s.place, d.id, d.title, d.status, d.created_at, u.name AS owner,
    CASE WHEN u.id = $3 OR EXISTS (
        SELECT FROM tenancy.members m
        WHERE m.user_id = u.id AND m.organization_id = ANY ($4) AND m.status = 'active'
    ) THEN u.email END AS email,
    ARRAY(
        SELECT t.name FROM content.document_tags c JOIN content.tags t ON t.id = c.tag_id
        WHERE c.document_id = d.id ORDER BY t.name, t.id LIMIT 5
    ) AS tags
FROM unnest($1::uuid[], $2::boolean[]) WITH ORDINALITY AS s (id, granted, place)
CROSS JOIN LATERAL (
    SELECT d.id, d.title, d.status, d.created_at, d.updated_at, d.owner_id FROM content.documents d
    WHERE d.space_id = s.id AND d.deleted_at IS NULL AND d.status <> 'archived'
        AND (s.granted AND (d.visibility <> 'private' OR d.owner_id = $3)
            OR d.visibility IN ('organization', 'public'))
    ORDER BY d.updated_at DESC, d.id DESC LIMIT 20
) AS d
JOIN identity.users u ON u.id = d.owner_id
ORDER BY s.place, d.updated_at DESC, d.id DESC
";

struct Endpoint {
    pool: PgPool,
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
pub struct Claims {
    pub sub: Uuid,
    pub sid: Uuid,
}

#[derive(Serialize)]
struct Answer {
    data: Data,
}

#[derive(Serialize)]
struct Data {
    organization: Option<Organization>,
}

#[derive(Serialize)]
struct Organization {
    name: String,
    spaces: Nodes<Space>,
}

#[derive(Serialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Serialize)]
struct Space {
    #[serde(serialize_with = "space_id")]
    id: Uuid,
    name: String,
    documents: Nodes<Document>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(serialize_with = "document_id")]
    id: Uuid,
    title: String,
    status: Status,
    #[serde(serialize_with = "moment")]
    created_at: DateTime<Utc>,
    owner: Owner,
    tags: Nodes<Tag>,
}

#[derive(Serialize, sqlx::Type)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(rename_all = "lowercase", type_name = "text")]
enum Status {
    Draft,
    Published,
    Archived,
}

#[derive(Serialize)]
struct Owner {
    name: String,
    email: Option<String>,
}

#[derive(Serialize)]
struct Tag {
    name: String,
}

/// One row of `SPACES_SQL`.
#[derive(FromRow)]
pub struct SpaceRow {
    pub organizations: Vec<Uuid>,
    pub organization: Option<String>,
    pub space_id: Option<Uuid>,
    pub space: Option<String>,
    pub granted: Option<bool>,
}

impl Settings {
    pub async fn pool(&self) -> Result<PgPool> {
        let options: PgConnectOptions = self.database_url.parse()?;
        let pool = PgPoolOptions::new().max_connections(self.connections).test_before_acquire(false);
        Ok(pool.connect_with(options.options([("jit", "off"), ("plan_cache_mode", &self.plans)])).await?)
    }

    pub fn key(&self) -> DecodingKey {
        DecodingKey::from_secret(self.token_secret.as_bytes())
    }

    pub fn validation() -> Validation {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&["trellis"]);
        validation.validate_aud = false;
        validation
    }

    pub async fn listener(&self) -> Result<TcpListener> {
        Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?)
    }
}

/// Serves until the process is stopped.
pub async fn serve(settings: Settings) -> Result<()> {
    let endpoint = Endpoint { pool: settings.pool().await?, key: settings.key(), validation: Settings::validation() };
    let routes = axum::Router::new().route("/organizations/{slug}", get(organization)).with_state(Arc::new(endpoint));
    let listener = settings.listener().await?;
    axum::serve(listener.tap_io(|connection| drop(connection.set_nodelay(true))), routes).await?;
    Ok(())
}

async fn organization(
    State(endpoint): State<Arc<Endpoint>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let organization = match headers.get(header::AUTHORIZATION) {
        Some(value) => {
            let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
            let token = token.ok_or(Refusal(StatusCode::UNAUTHORIZED))?;
            let claims = jsonwebtoken::decode::<Claims>(token, &endpoint.key, &endpoint.validation)
                .map_err(|_| Refusal(StatusCode::UNAUTHORIZED))?
                .claims;
            endpoint.read(&claims, &slug).await?
        }
        None => None,
    };
    let mut body = Vec::with_capacity(32 * 1024);
    serde_json::to_writer(&mut body, &Answer { data: Data { organization } })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

impl Endpoint {
    async fn read(&self, claims: &Claims, slug: &str) -> Result<Option<Organization>, Refusal> {
        let mut connection = self.pool.acquire().await?;
        let rows: Vec<SpaceRow> =
            sqlx::query_as(SPACES_SQL).bind(claims.sid).bind(claims.sub).bind(slug).fetch_all(&mut *connection).await?;
        let mut rows = rows.into_iter().peekable();
        let first = rows.peek_mut().ok_or(Refusal(StatusCode::UNAUTHORIZED))?;
        let Some(name) = first.organization.take() else { return Ok(None) };
        let organizations = std::mem::take(&mut first.organizations);
        let mut granted = Vec::with_capacity(5);
        let mut spaces = Vec::with_capacity(5);
        for row in rows {
            if let (Some(id), Some(name)) = (row.space_id, row.space) {
                granted.push(row.granted.unwrap_or(false));
                spaces.push(Space { id, name, documents: Nodes { nodes: Vec::with_capacity(20) } });
            }
        }
        let ids: Vec<Uuid> = spaces.iter().map(|space| space.id).collect();
        let documents = sqlx::query(DOCUMENTS_SQL)
            .bind(ids)
            .bind(granted)
            .bind(claims.sub)
            .bind(organizations)
            .fetch_all(&mut *connection)
            .await?;
        drop(connection);
        for row in &documents {
            let place: i64 = row.try_get(0)?;
            let space = usize::try_from(place - 1).ok().and_then(|index| spaces.get_mut(index));
            space.ok_or(Refusal(StatusCode::INTERNAL_SERVER_ERROR))?.documents.nodes.push(document(row)?);
        }
        Ok(Some(Organization { name, spaces: Nodes { nodes: spaces } }))
    }
}

fn document(row: &PgRow) -> Result<Document, sqlx::Error> {
    let tags: Vec<String> = row.try_get(7)?;
    Ok(Document {
        id: row.try_get(1)?,
        title: row.try_get(2)?,
        status: row.try_get(3)?,
        created_at: row.try_get(4)?,
        owner: Owner { name: row.try_get(5)?, email: row.try_get(6)? },
        tags: Nodes { nodes: tags.into_iter().map(|name| Tag { name }).collect() },
    })
}

fn space_id<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(TypeId::new(b"spc_", *id).as_str())
}

fn document_id<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(TypeId::new(b"doc_", *id).as_str())
}

/// An id as Trellis writes it: what it is of, then 26 digits of base 32.
pub struct TypeId([u8; 30]);

impl TypeId {
    pub fn new(prefix: &[u8; 4], id: Uuid) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut text = [0; 30];
        text[..4].copy_from_slice(prefix);
        let mut bits = id.as_u128();
        for digit in text[4..].iter_mut().rev() {
            *digit = DIGITS[(bits & 31) as usize];
            bits >>= 5;
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        // Both parts are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn moment<S: Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment.to_rfc3339())
}

/// A request that is not answered, by its status alone.
struct Refusal(StatusCode);

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        eprintln!("{error}");
        Refusal(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        eprintln!("{error}");
        Refusal(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
