//! How scans and their findings are stored.

use std::collections::HashMap;

use entity::enums::ScanVerdict;
use entity::governance::mcp_scan::{self, Column, Entity, Model};
use entity::governance::{mcp_finding, mcp_server};
use entity::ids::{McpDiscoveryId, McpScanId, McpServerId, McpServerVersionId, ProjectId};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, FromQueryResult, QueryFilter, QueryOrder, Statement,
};
use uuid::Uuid;

use crate::governance::scan::{Finding, Report};
use crate::platform::authorization::Granted;
use crate::platform::children;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;

/// Findings of one scan that are kept, the hard ones first.
const MOST_FINDINGS: usize = 500;
/// Characters of a place that are kept: tools choose their names.
const MOST_PLACE: usize = 500;

/// The scans of the servers of these projects.
pub fn within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(Column::ProjectId.eq_any(projects))
}

/// The findings in the servers of these projects.
pub fn findings_within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(mcp_finding::Column::ProjectId.eq_any(projects))
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a scan stands in the list of its server, the newest first.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of scans below each of many servers.
pub struct BelowServers;

impl Load for BelowServers {
    type Key = (McpServerId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.server_id);
        children::visible_pages::<Entity, _>(context, keys, Column::ServerId, &NEWEST, parent).await
    }
}

/// How many scans each server has.
pub struct CountBelowServers;

impl Load for CountBelowServers {
    type Key = McpServerId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<McpServerId>) -> Result<HashMap<McpServerId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::ServerId, &keys).await
    }
}

/// Ids are made in order, so the order of findings is that of the report.
const AS_FOUND: Sort<mcp_finding::Column> = Sort {
    column: mcp_finding::Column::CreatedAt,
    id: mcp_finding::Column::Id,
    kind: SortKind::Time,
    descending: false,
};

/// Where a finding stands in the list of its scan.
pub fn place_of_finding(row: &mcp_finding::Model) -> Cursor {
    Cursor::new(mcp_finding::Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of the findings of each of many scans.
pub struct Findings;

impl Load for Findings {
    type Key = (McpScanId, Page);
    type Value = Slice<mcp_finding::Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, parent) = (mcp_finding::Column::ScanId, |row: &mcp_finding::Model| Some(row.scan_id));
        children::visible_pages::<mcp_finding::Entity, _>(context, keys, column, &AS_FOUND, parent).await
    }
}

/// How many findings each scan has.
pub struct CountFindings;

impl Load for CountFindings {
    type Key = McpScanId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<McpScanId>) -> Result<HashMap<McpScanId, i64>> {
        children::visible_counts::<mcp_finding::Entity, _>(context, mcp_finding::Column::ScanId, &keys).await
    }
}

const LATEST_SQL: &str = "SELECT DISTINCT ON (version_id) * FROM governance.mcp_scans \
     WHERE version_id = ANY($1) ORDER BY version_id, created_at DESC, id DESC";

/// The last scan of each of many versions, which were granted before.
pub struct Latest;

impl Load for Latest {
    type Key = McpServerVersionId;
    type Value = Option<Model>;
    const MERGED: bool = false;

    async fn load(
        context: &LoadContext,
        keys: Vec<McpServerVersionId>,
    ) -> Result<HashMap<McpServerVersionId, Self::Value>> {
        let ids: Vec<Uuid> = keys.into_iter().map(Into::into).collect();
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, LATEST_SQL, [ids.into()]);
        let rows = context.connection.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                let row = Model::from_query_result(row, "")?;
                Ok((row.version_id, Some(row)))
            })
            .collect()
    }
}

/// How the last scan of the version ended; none where there was none.
pub async fn verdict_of_version(
    connection: &impl ConnectionTrait,
    version: McpServerVersionId,
) -> Result<Option<ScanVerdict>> {
    let ids = vec![version.uuid()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, LATEST_SQL, [ids.into()]);
    let row = connection.query_one_raw(statement).await?;
    Ok(row.map(|row| Model::from_query_result(&row, "")).transpose()?.map(|row| row.verdict))
}

/// The last scan of the version with its findings.
pub async fn last_of_version(
    write: &Write<'_>,
    version: McpServerVersionId,
) -> Result<Option<(Model, Vec<mcp_finding::Model>)>> {
    let scans = write.read().visible::<Entity>().filter(Column::VersionId.eq(version));
    let last = scans.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).one(write.connection()).await?;
    let Some(last) = last else { return Ok(None) };
    let findings = write.read().visible::<mcp_finding::Entity>().filter(mcp_finding::Column::ScanId.eq(last.id));
    let findings = findings.order_by_asc(mcp_finding::Column::Id).all(write.connection()).await?;
    Ok(Some((last, findings)))
}

/// What is kept of a report: of many findings the first, which are the hard ones.
fn kept(report: &Report) -> impl Iterator<Item = Result<(String, String, &Finding)>> {
    report.findings.iter().take(MOST_FINDINGS).map(|finding| {
        let rule = serde_json::to_value(finding.rule).map_err(Error::internal)?;
        let rule = rule.as_str().ok_or_else(|| Error::internal("a rule is written as a text"))?.to_owned();
        Ok((rule, finding.place.chars().take(MOST_PLACE).collect(), finding))
    })
}

/// Whether a scan found what another one did.
pub fn is_same(row: &Model, findings: &[mcp_finding::Model], report: &Report, verdict: ScanVerdict) -> bool {
    let mut held = findings.iter();
    let same = kept(report).all(|kept| match (kept, held.next()) {
        (Ok((rule, place, finding)), Some(held)) => {
            held.rule == rule && held.place == place && held.excerpt == finding.excerpt
        }
        _ => false,
    });
    same && held.next().is_none() && row.verdict == verdict && row.rules_version == report.rules_version
}

pub async fn insert(
    write: &Write<'_>,
    server: &Granted<mcp_server::Entity>,
    version: McpServerVersionId,
    discovery: Option<McpDiscoveryId>,
    verdict: ScanVerdict,
    report: &Report,
) -> Result<()> {
    let request = write.request();
    let row = mcp_scan::ActiveModel {
        id: Set(request.new_id().into()),
        server_id: Set(server.id),
        version_id: Set(version),
        discovery_id: Set(discovery),
        rules_version: Set(report.rules_version),
        verdict: Set(verdict),
        crashed_checks: Set(report.crashed.iter().map(|check| (*check).to_owned()).collect()),
        created_at: Set(request.now()),
        ..Default::default()
    };
    let scan = write.insert(server, row).await?;
    let findings = kept(report).map(|kept| {
        let (rule, place, finding) = kept?;
        Ok(mcp_finding::ActiveModel {
            id: Set(request.new_id().into()),
            server_id: Set(server.id),
            scan_id: Set(scan.id),
            is_hard: Set(finding.rule.is_hard()),
            rule: Set(rule),
            place: Set(place),
            excerpt: Set(finding.excerpt.clone()),
            created_at: Set(request.now()),
            ..Default::default()
        })
    });
    write.insert_many(server, findings.collect::<Result<Vec<_>>>()?).await
}
