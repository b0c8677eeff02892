//! Live views of content: one document, or everything in a space. Each event is authorized anew for its viewer; whoever
//! loses access is told once, and nothing follows.

mod document_changed;
mod space_activity;

use entity::ids::{OrganizationId, SpaceId};

use crate::platform::events::{FeedEvent, Topic};

pub use document_changed::DocumentSubscription;
pub use space_activity::SpaceSubscription;

/// What is followed, and what it belongs to: things happen there after which a viewer may have lost access.
fn with_tenants(topic: Topic, space: Option<SpaceId>, organization: Option<OrganizationId>) -> Vec<Topic> {
    let above = [space.map(SpaceId::uuid), organization.map(OrganizationId::uuid)];
    std::iter::once(topic).chain(above.into_iter().flatten().map(Topic::Resource)).collect()
}

/// Whether the space or organization of what is followed is gone, and everything in it.
fn takes_everything(event: &FeedEvent) -> bool {
    matches!(event.event_type.as_str(), "space.deleted" | "organization.deleted")
}
