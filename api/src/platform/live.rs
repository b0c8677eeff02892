//! Live views: what one viewer is told of the events of a topic. The viewer's session and grants are confirmed anew before
//! each event, and who loses access is told so once.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, Stream};
use futures_util::{FutureExt, StreamExt};

use super::errors::Result;
use super::events::{Events, FeedEvent, Topic};
use super::request::Request;

/// What a follower is told, and whether anything follows.
pub enum Told<T> {
    Nothing,
    Next(T),
    Last(T),
}

/// The events of some topics: also everything since the cursor, or only what is new.
pub async fn follow(request: &Request, topics: &[Topic], after: Option<String>) -> Result<Events> {
    let feed = &request.platform.feed;
    let follow = async {
        let after = match after {
            Some(cursor) => Some(feed.resolve(&cursor).await?),
            None => None,
        };
        feed.follow(topics, after).await
    };
    // Boxed, here and below: an idle view would carry the space for it.
    follow.boxed().await
}

/// Turns each event into what the viewer is told of it, until it is told the last.
pub fn tell<T, F, Answer>(request: Arc<Request>, events: Events, answer: F) -> impl Stream<Item = Result<T>>
where
    T: Send + 'static,
    F: Fn(Arc<Request>, Arc<FeedEvent>) -> Answer + Send,
    Answer: Future<Output = Result<Told<T>>> + Send + 'static,
{
    tell_each(request, events, move |request, event| stream::once(answer(request, event)))
}

/// The same for events of which there may be much to tell.
pub fn tell_each<T, F, Answers>(request: Arc<Request>, events: Events, answers: F) -> impl Stream<Item = Result<T>>
where
    T: Send + 'static,
    F: Fn(Arc<Request>, Arc<FeedEvent>) -> Answers + Send,
    Answers: Stream<Item = Result<Told<T>>> + Send + 'static,
{
    let telling = Telling { request, events, answers, told: stream::empty().boxed() };
    stream::unfold(Some(telling), |telling| async move {
        let mut telling = telling?;
        match telling.next().await? {
            Ok(Told::Last(told)) => Some((Ok(told), None)),
            Ok(Told::Next(told)) => Some((Ok(told), Some(telling))),
            Ok(Told::Nothing) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct Telling<T, F> {
    request: Arc<Request>,
    events: Events,
    answers: F,
    /// What is left to tell of the present event.
    told: BoxStream<'static, Result<Told<T>>>,
}

impl<T, F, Answers> Telling<T, F>
where
    T: Send + 'static,
    F: Fn(Arc<Request>, Arc<FeedEvent>) -> Answers,
    Answers: Stream<Item = Result<Told<T>>> + Send + 'static,
{
    async fn next(&mut self) -> Option<Result<Told<T>>> {
        loop {
            match self.told.next().await {
                Some(Ok(Told::Nothing)) => {}
                Some(told) => return Some(told),
                None => {
                    self.told = stream::empty().boxed();
                    let event = match self.events.next().await? {
                        Ok(event) => event,
                        Err(error) => return Some(Err(error)),
                    };
                    if let Err(error) = self.request.refresh().boxed().await {
                        return Some(Err(error));
                    }
                    self.told = (self.answers)(Arc::clone(&self.request), event).boxed();
                }
            }
        }
    }
}
