//! Live views of content: one document, or everything in a space. Each event is authorized anew for its viewer; whoever
//! loses access is told once, and nothing follows.

mod document_changed;
mod space_activity;

use entity::ids::{OrganizationId, SpaceId};
use futures_util::StreamExt;
use futures_util::stream;

use crate::platform::errors::Result;
use crate::platform::events::{Events, FeedEvent, Topic};
use crate::platform::request::Request;

pub use document_changed::DocumentSubscription;
pub use space_activity::SpaceSubscription;

/// Follows what happens at a topic, and to what it belongs to: its own events keep their order, and among them come those
/// after which the viewer may have lost access.
async fn follow(
    request: &Request,
    topic: Topic,
    space: Option<SpaceId>,
    organization: Option<OrganizationId>,
    after: Option<String>,
) -> Result<Events> {
    let feed = &request.platform.feed;
    let after = match after {
        Some(cursor) => Some(feed.resolve(&cursor).await?),
        None => None,
    };
    let above = [space.map(SpaceId::uuid), organization.map(OrganizationId::uuid)];
    let mut events = feed.follow(topic, after).await?;
    for id in above.into_iter().flatten() {
        events = stream::select(events, feed.follow(Topic::Resource(id), after).await?).boxed();
    }
    Ok(events)
}

/// Whether the space or organization of what is followed is gone, and everything in it.
fn takes_everything(event: &FeedEvent) -> bool {
    matches!(event.event_type.as_str(), "space.deleted" | "organization.deleted")
}
