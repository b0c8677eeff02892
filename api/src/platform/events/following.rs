//! One follower's stream: what it missed from PostgreSQL, then what the hub queues for it, each event once, in order.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::cursor::Position;
use super::envelope::{FeedEvent, Topic};
use super::hub::Joined;
use super::reading::Page;
use super::{Shared, reading};
use crate::platform::errors::{Error, Result};
use crate::platform::retry::Retry;

/// The events of some topics. It ends after an error, and without one when the server shuts down.
pub type Events = BoxStream<'static, Result<Arc<FeedEvent>>>;

#[derive(Debug)]
pub(super) struct Following {
    shared: Arc<Shared>,
    topics: Arc<[Topic]>,
    /// Everything up to here was read or queued, and handed out once `page` is empty.
    reached: i64,
    /// Read from PostgreSQL and not handed out yet.
    page: std::vec::IntoIter<Arc<FeedEvent>>,
    joined: Option<Joined>,
    /// Set while it catches up after its queue was full.
    deadline: Option<Instant>,
    retry: Retry,
    has_ended: bool,
}

impl Following {
    /// Follows from the position on. What is there already is read page by page before it joins the hub.
    pub(super) fn replaying(shared: Arc<Shared>, topics: Arc<[Topic]>, after: Position) -> Self {
        Self {
            shared,
            topics,
            reached: after.0,
            page: Vec::new().into_iter(),
            joined: None,
            deadline: None,
            retry: Retry::of("reading missed events"),
            has_ended: false,
        }
    }

    /// Joins the hub at once; fails when the feed is shutting down.
    pub(super) async fn joining(shared: Arc<Shared>, topics: Arc<[Topic]>, after: Position) -> Result<Self> {
        let mut following = Self::replaying(shared, topics, after);
        following.join().await.ok_or_else(|| Error::internal("the feed is shutting down"))?;
        Ok(following)
    }

    pub(super) fn into_events(self) -> Events {
        stream::unfold(self, |mut following| async move { following.next().await.map(|event| (event, following)) })
            .fuse()
            .boxed()
    }

    async fn next(&mut self) -> Option<Result<Arc<FeedEvent>>> {
        if self.has_ended {
            return None;
        }
        let event = self.advance().await;
        self.has_ended = !matches!(event, Some(Ok(_)));
        event
    }

    async fn advance(&mut self) -> Option<Result<Arc<FeedEvent>>> {
        loop {
            if let Some(event) = self.page.next() {
                return Some(Ok(event));
            }
            let Some(joined) = self.joined.as_mut().filter(|joined| joined.after <= self.reached) else {
                match self.read().await? {
                    Ok(()) => continue,
                    Err(error) => return Some(Err(error)),
                }
            };
            self.deadline = None;
            match joined.queue.recv().await {
                // It was in a page already.
                Some(event) if event.position.0 <= self.reached => {}
                Some(event) => {
                    self.reached = event.position.0;
                    return Some(Ok(event));
                }
                None => {
                    let overflowed = *joined.overflowed.get()?;
                    self.joined = None;
                    self.deadline = Some(overflowed + self.shared.pace.patience);
                }
            }
        }
    }

    /// Reads a page, and joins the hub once nothing more is there. `None` when the feed shuts down.
    async fn read(&mut self) -> Option<Result<()>> {
        if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Some(Err(Error::SlowConsumer));
        }
        let page = self.page_after_reached().await?;
        if self.reached < page.bounds.oldest - 1 {
            return Some(Err(Error::GapTooOld));
        }
        self.reached = page.reaches;
        self.page = page.events.into_iter();
        if !page.is_full && self.joined.is_none() {
            self.join().await?;
        }
        Some(Ok(()))
    }

    /// Waits for PostgreSQL when it is away.
    async fn page_after_reached(&mut self) -> Option<Page> {
        while !self.shared.is_closing() {
            let pool = self.shared.database.pool();
            match reading::of_topics(pool, &self.topics, self.reached, self.shared.pace.page).boxed().await {
                Ok(page) => {
                    self.retry.succeeded();
                    return Some(page);
                }
                Err(error) => self.retry.failed(&error).await,
            }
        }
        None
    }

    async fn join(&mut self) -> Option<()> {
        let joined = self.shared.hub.join(Arc::clone(&self.topics), self.reached, self.shared.pace.queue).await?;
        self.joined = Some(joined);
        Some(())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // The queue closes before the hub looks for closed ones.
        if self.joined.take().is_some() {
            self.shared.hub.departed.notify_one();
        }
    }
}
