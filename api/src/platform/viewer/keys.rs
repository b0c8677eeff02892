//! API keys as viewers. A key is known by its SHA-256, and as cheap to confirm as a session: one small statement, merged
//! between concurrent requests, tells whether it lives and in which state; what that state stands for is remembered.
//! It never reaches further than its creator does now, nor than its project, its scopes and its networks.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, OrganizationId, ProjectId, UserId};
use ipnetwork::IpNetwork;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Entrance, Fingerprint, Grants, Viewer, Viewers, live_key};
use crate::platform::authorization::ScopeSet;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};

/// What the texts of keys begin with.
const BEGINNINGS: [&str; 2] = ["tr_live_", "tr_test_"];
/// Keys that one process remembers.
const REMEMBERED: usize = 10_000;

/// What a key is known by: the SHA-256 of its text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// None for a token that does not look like a key.
    pub(super) fn of_token(token: &str) -> Option<Self> {
        BEGINNINGS.iter().any(|beginning| token.starts_with(beginning)).then(|| Self::of(token))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Which state of a key and of its creator's grants this is. Every change raises one of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyState {
    pub version: i32,
    pub fingerprint: Fingerprint,
}

/// The project of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyProject {
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
}

/// A key that is good, as it is now.
#[derive(Debug)]
pub struct LiveKey {
    pub id: ApiKeyId,
    /// Its creator, in whose name it acts.
    pub user_id: UserId,
    /// None for a personal key.
    pub project: Option<KeyProject>,
    pub scopes: ScopeSet,
    /// How its creator came in when it was made, which some organizations ask for.
    pub entrance: Entrance,
    /// What its creator was granted, within the key's project.
    pub grants: Arc<Grants>,
    /// When it ends by itself.
    pub expires: Option<DateTime<Utc>>,
    /// The networks it is good from; none for everywhere.
    networks: Vec<IpNetwork>,
    pub(super) digest: KeyDigest,
    /// None when it is not known, so that it is looked up again before a write.
    pub(super) state: Option<KeyState>,
}

/// A key in use, and where it is used from.
#[derive(Debug)]
pub struct KeyHolder {
    pub key: Arc<LiveKey>,
    pub ip: Option<IpAddr>,
}

/// Whether a key that is good from these networks alone, if there are any, is good from this address.
pub(super) fn is_within(networks: &[IpNetwork], ip: Option<IpAddr>) -> bool {
    let ip = ip.map(|ip| ip.to_canonical());
    networks.is_empty() || ip.is_some_and(|ip| networks.iter().any(|network| network.contains(ip)))
}

/// The keys that were confirmed lately.
#[derive(Debug, Default)]
pub(super) struct RememberedKeys(Mutex<HashMap<ApiKeyId, Arc<LiveKey>>>);

impl RememberedKeys {
    fn find(&self, id: ApiKeyId, state: KeyState) -> Option<Arc<LiveKey>> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&id).filter(|key| key.state == Some(state)).cloned()
    }

    fn keep(&self, key: &Arc<LiveKey>) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= REMEMBERED {
            keys.clear();
        }
        keys.insert(key.id, Arc::clone(key));
    }
}

impl Viewers {
    /// The viewer that a key is, or `Unauthenticated` when it is not good, or not good from here.
    pub(super) async fn with_key(&self, digest: KeyDigest, ip: Option<IpAddr>) -> Result<Viewer> {
        let found = self.mergers.load_one::<LiveKeys>(&self.database, digest).await?;
        let (id, state) = found.ok_or(Error::Unauthenticated)?;
        let key = match self.keys.find(id, state) {
            Some(key) => key,
            None => {
                let key = Arc::new(self.look_up(id, digest, state.fingerprint).await?);
                self.keys.keep(&key);
                key
            }
        };
        if !key.is_good_from(ip) {
            tracing::info!(key = %id, ip = ip.map(tracing::field::display), "a key is not good from this address");
            return Err(Error::Unauthenticated);
        }
        Ok(Viewer::ApiKey(Arc::new(KeyHolder { key, ip })))
    }

    /// The viewer that a key is from an address, for what is asked about it without its text. None when it is not good, or
    /// not good from there.
    pub async fn acting_with(&self, id: ApiKeyId, ip: Option<IpAddr>) -> Result<Option<Viewer>> {
        let connection = self.database.counted(Arc::new(AtomicU32::new(0)));
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, DIGEST_SQL, [id.uuid().into()]);
        let Some(row) = connection.query_one_raw(statement).await? else { return Ok(None) };
        match self.with_key(read_digest(&row)?, ip).await {
            Ok(viewer) => Ok(Some(viewer)),
            Err(Error::Unauthenticated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn look_up(&self, id: ApiKeyId, digest: KeyDigest, fingerprint: Fingerprint) -> Result<LiveKey> {
        let connection = self.database.counted(Arc::new(AtomicU32::new(0)));
        let row = KeyRow::of(&connection, id).await?;
        let entrance = Entrance::of_session(row.provider.clone(), row.provider_domain.clone());
        let grants = self.grants(&(UserId(row.created_by), entrance.clone()), id, fingerprint).await?;
        Ok(row.into_key(id, digest, entrance, grants, Some(fingerprint)))
    }
}

impl LiveKey {
    pub(super) fn is_good_from(&self, ip: Option<IpAddr>) -> bool {
        is_within(&self.networks, ip)
    }

    /// The same key as the connection sees it, with the grants that it sees.
    pub(super) async fn as_now(
        &self,
        connection: &impl ConnectionTrait,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Self> {
        let row = KeyRow::of(connection, self.id).await?;
        let entrance = Entrance::of_session(row.provider.clone(), row.provider_domain.clone());
        let grants = Arc::new(Grants::load(connection, self.user_id, &entrance).await?);
        Ok(row.into_key(self.id, self.digest, entrance, grants, fingerprint))
    }
}

#[derive(FromQueryResult)]
struct KeyRow {
    version: i32,
    created_by: Uuid,
    organization_id: Option<Uuid>,
    project_id: Option<Uuid>,
    scopes: Vec<String>,
    allowed_networks: Vec<IpNetwork>,
    expires: Option<DateTime<Utc>>,
    provider: Option<String>,
    provider_domain: Option<String>,
}

impl KeyRow {
    async fn of(connection: &impl ConnectionTrait, id: ApiKeyId) -> Result<Self> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, KEY_SQL, [id.uuid().into()]);
        Self::find_by_statement(statement).one(connection).await?.ok_or(Error::Unauthenticated)
    }

    fn into_key(
        self,
        id: ApiKeyId,
        digest: KeyDigest,
        entrance: Entrance,
        grants: Arc<Grants>,
        fingerprint: Option<Fingerprint>,
    ) -> LiveKey {
        let project = self.organization_id.zip(self.project_id).map(|(organization_id, project_id)| KeyProject {
            organization_id: OrganizationId(organization_id),
            project_id: ProjectId(project_id),
        });
        LiveKey {
            id,
            user_id: UserId(self.created_by),
            grants: match project {
                Some(project) => Arc::new(grants.within_project(project.organization_id, project.project_id)),
                None => grants,
            },
            project,
            scopes: ScopeSet::of_texts(&self.scopes),
            entrance,
            expires: self.expires,
            networks: self.allowed_networks,
            digest,
            state: fingerprint.map(|fingerprint| KeyState { version: self.version, fingerprint }),
        }
    }
}

const KEY_SQL: &str = "SELECT version, created_by, organization_id, project_id, scopes, allowed_networks, \
     least(expires_at, grace_ends_at) AS expires, provider, provider_domain FROM governance.api_keys WHERE id = $1";

/// The states of the keys that are live.
struct LiveKeys;

impl Load for LiveKeys {
    type Key = KeyDigest;
    type Value = Option<(ApiKeyId, KeyState)>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<KeyDigest>) -> Result<HashMap<KeyDigest, Self::Value>> {
        let digests: Vec<Vec<u8>> = keys.iter().map(|digest| digest.bytes()).collect();
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, LIVE_KEYS_SQL, [digests.into()]);
        let mut found = HashMap::with_capacity(keys.len());
        for row in context.connection.query_all_raw(statement).await? {
            let fingerprint = Fingerprint {
                user: row.try_get("", "user_version")?,
                organizations: row.try_get("", "organizations_version")?,
            };
            let state = KeyState { version: row.try_get("", "version")?, fingerprint };
            found.insert(read_digest(&row)?, Some((ApiKeyId(row.try_get("", "id")?), state)));
        }
        Ok(found)
    }
}

fn read_digest(row: &QueryResult) -> Result<KeyDigest> {
    let digest: Vec<u8> = row.try_get("", "key_hash")?;
    Ok(KeyDigest(digest.try_into().map_err(|_| Error::internal("a key's hash has another length"))?))
}

const DIGEST_SQL: &str = "SELECT key_hash FROM governance.api_keys WHERE id = $1";

const LIVE_KEYS_SQL: &str = concat!(
    "SELECT k.key_hash, k.id, k.version, coalesce(g.version, 0) AS user_version,
    (SELECT coalesce(sum(v.version), 0)::bigint
     FROM tenancy.members m
     JOIN platform.grant_versions v ON v.subject_id = m.organization_id
     WHERE m.user_id = k.created_by) AS organizations_version
    FROM ",
    live_key!(),
    " LEFT JOIN platform.grant_versions g ON g.subject_id = k.created_by WHERE k.key_hash = ANY($1)"
);
