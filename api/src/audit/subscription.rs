//! The audit log as it grows. A transaction that wrote entries of an organization is announced by one event, whatever
//! wrote them; its entries are read once the event has its place in the feed, and so after they were committed.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entity::audit::log;
use entity::ids::OrganizationId;
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};

use super::graphql::AuditEntry;
use super::rules;
use super::store::{self, Transaction};
use crate::platform::errors::{Error, Result};
use crate::platform::events::{FeedEvent, Position, Topic};
use crate::platform::live::{Told, follow, tell_each};
use crate::platform::request::{Request, RequestContext};

/// The event that announces a transaction.
const RECORDED: &str = "audit.recorded";

/// Entries of one transaction read at once.
const PAGE: u64 = 100;

/// Why a follower of the audit log is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AuditRecordedKind {
    /// Something was done.
    Recorded,
    /// You may no longer read the log. Nothing more follows.
    AccessLost,
}

/// A new entry of the audit log.
#[derive(SimpleObject)]
pub struct AuditRecorded {
    /// The place in the feed; subscribe again `after` it and miss nothing. Entries that were committed together may
    /// then come again, unless it is that of the last of them.
    cursor: String,
    /// Why you are told.
    kind: AuditRecordedKind,
    /// The entry; null when access was lost.
    entry: Option<AuditEntry>,
}

impl Transaction {
    /// The transaction that an event announces.
    fn announced(event: &FeedEvent, organization: OrganizationId) -> Result<Self> {
        let text = |name: &str| event.payload.get(name).and_then(|value| value.as_str());
        let since = text("since").and_then(|since| since.parse::<DateTime<Utc>>().ok());
        match (text("transaction_id"), since) {
            (Some(id), Some(since)) => Ok(Self { organization, id: id.to_owned(), since }),
            _ => Err(Error::internal("an event of the audit log names no transaction")),
        }
    }
}

/// What is left to tell of an event.
enum Left {
    Everything,
    After(Arc<log::Model>),
    Nothing,
}

/// The entries of the transaction that an event announces.
fn entries(
    request: Arc<Request>,
    event: Arc<FeedEvent>,
    organization: OrganizationId,
) -> impl Stream<Item = Result<Told<AuditRecorded>>> {
    let pages = stream::unfold(Left::Everything, move |left| {
        let (request, event) = (Arc::clone(&request), Arc::clone(&event));
        async move {
            let after = match left {
                Left::Everything => None,
                Left::After(last) => Some(last),
                Left::Nothing => return None,
            };
            Some(match page(&request, &event, organization, after).await {
                Ok((told, left)) => (told.into_iter().map(Ok).collect(), left),
                Err(error) => (vec![Err(error)], Left::Nothing),
            })
        }
    });
    pages.flat_map(|told: Vec<_>| stream::iter(told))
}

async fn page(
    request: &Request,
    event: &FeedEvent,
    organization: OrganizationId,
    after: Option<Arc<log::Model>>,
) -> Result<(Vec<Told<AuditRecorded>>, Left)> {
    if let Err(refused) = rules::readable_organization(request, organization).await {
        return match refused {
            Error::NotFound | Error::Forbidden => {
                let (cursor, kind) = (request.platform.feed.cursor(event.position), AuditRecordedKind::AccessLost);
                Ok((vec![Told::Last(AuditRecorded { cursor, kind, entry: None })], Left::Nothing))
            }
            other => Err(other),
        };
    }
    if event.event_type != RECORDED {
        return Ok((Vec::new(), Left::Nothing));
    }
    let transaction = Transaction::announced(event, organization)?;
    let mut rows = store::of_transaction(request, &transaction, after.as_deref(), PAGE + 1).await?;
    let has_more = rows.len() as u64 > PAGE;
    rows.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let rows: Vec<Arc<log::Model>> = rows.into_iter().map(Arc::new).collect();
    let left = rows.last().filter(|_| has_more).map_or(Left::Nothing, |last| Left::After(Arc::clone(last)));
    let last = rows.len().checked_sub(1).filter(|_| !has_more);
    let told = rows.into_iter().enumerate().map(|(place, row)| {
        // Who resumes in the middle of a transaction is told of all of it again.
        let position = if Some(place) == last { event.position } else { Position(event.position.0 - 1) };
        let (cursor, kind) = (request.platform.feed.cursor(position), AuditRecordedKind::Recorded);
        Told::Next(AuditRecorded { cursor, kind, entry: Some(AuditEntry(row)) })
    });
    Ok((told.collect(), left))
}

/// The live view of the audit log.
#[derive(Default)]
pub struct AuditSubscription;

#[Subscription]
impl AuditSubscription {
    /// Each new entry of an organization's audit log, in the order of the commits and within one in the order it was done. For its owners and admins; who no longer is one is told once, and nothing follows.
    async fn audit_recorded(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] organization_id: OrganizationId,
        #[graphql(desc = "Also everything since this cursor: of an earlier entry, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<AuditRecorded>>> {
        let request = ctx.shared_request();
        rules::readable_organization(&request, organization_id).await?;
        let events = follow(&request, &[Topic::Organization(organization_id.uuid())], after).await?;
        Ok(tell_each(request, events, move |request, event| entries(request, event, organization_id)))
    }
}
