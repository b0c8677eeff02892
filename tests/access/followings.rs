//! The rows of the matrix for subscriptions.

use super::rows::Id;

/// A subscription that everybody tries.
pub struct Following {
    pub field: &'static str,
    pub on: &'static str,
    pub id: Id,
    /// A document or a server whose change is told there.
    pub changing: Id,
}

pub const FOLLOWINGS: &[Following] = &[
    Following {
        field: "documentChanged",
        on: "in the open space",
        id: |scene| &scene.page,
        changing: |scene| &scene.page,
    },
    Following { field: "documentChanged", on: "private", id: |scene| &scene.private, changing: |scene| &scene.private },
    Following {
        field: "documentChanged",
        on: "for the private space",
        id: |scene| &scene.shared,
        changing: |scene| &scene.shared,
    },
    Following {
        field: "documentChanged",
        on: "for the organization",
        id: |scene| &scene.open,
        changing: |scene| &scene.open,
    },
    Following { field: "documentChanged", on: "public", id: |scene| &scene.public, changing: |scene| &scene.public },
    Following { field: "spaceActivity", on: "open", id: |scene| &scene.world.handbook, changing: |scene| &scene.page },
    Following { field: "spaceActivity", on: "private", id: |scene| &scene.world.lab, changing: |scene| &scene.shared },
    Following { field: "auditRecorded", on: "acme", id: |scene| &scene.world.acme, changing: |scene| &scene.page },
    Following {
        field: "mcpServerChanged",
        on: "of rocket",
        id: |scene| &scene.server,
        changing: |scene| &scene.server,
    },
    Following {
        field: "projectMcpServersChanged",
        on: "rocket",
        id: |scene| &scene.world.rocket,
        changing: |scene| &scene.server,
    },
    Following {
        field: "decisionMade",
        on: "of the developer in rocket",
        id: |scene| &scene.world.rocket,
        changing: |scene| &scene.approval,
    },
    Following {
        field: "approvalChanged",
        on: "of the developer in rocket",
        id: |scene| &scene.world.rocket,
        changing: |scene| &scene.approval,
    },
    Following {
        field: "mcpToolCallProgress",
        on: "of the developer in rocket",
        id: |scene| &scene.call,
        changing: |scene| &scene.call,
    },
    Following {
        field: "policySimulationChanged",
        on: "of acme",
        id: |scene| &scene.simulation,
        changing: |scene| &scene.simulation,
    },
];
