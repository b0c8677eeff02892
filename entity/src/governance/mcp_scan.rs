//! How suspicious a server of tools is, by one version of the rules.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::ScanVerdict;
use crate::ids::{McpDiscoveryId, McpScanId, McpServerId, McpServerVersionId, OrganizationId, ProjectId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "mcp_scans", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: McpScanId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: McpServerId,
    pub version_id: McpServerVersionId,
    pub discovery_id: Option<McpDiscoveryId>,
    pub rules_version: i32,
    pub verdict: ScanVerdict,
    pub crashed_checks: Vec<String>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
