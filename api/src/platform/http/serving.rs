//! Serves connections: how many there may be, how long the head of a request and the taking of its answer may last, and
//! how they end when the server is told to stop.

use std::convert::Infallible;
use std::future::{self, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_graphql::Executor;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures_util::FutureExt;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connections::Place;
use super::event_stream::{EventStream, Head, Underway};
use super::patient::{HandedOver, Patient};
use super::router::{Door, router};
use crate::platform::clock::SharedClock;

/// The longest head, and what hyper buffers of a body or an answer: room for the longest query that fits a URL.
const BUFFER_BYTES: usize = 128 * 1024;
/// Between two attempts when the system has no more connections to give.
const EXHAUSTED: Duration = Duration::from_millis(200);
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Answers requests on the listener until `stop` completes. Then those under way finish, sockets are closed with a code
/// and subscriptions over HTTP are cut, so that their clients return to whoever comes next.
pub async fn serve<E: Executor>(listener: TcpListener, door: Arc<Door<E>>, stop: impl Future<Output = ()>) {
    let settings = &door.platform.config.http;
    let places = &door.http;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(settings.http_head_seconds))
        .max_buf_size(BUFFER_BYTES);
    let routes = router(Arc::clone(&door));
    let patience = Duration::from_secs(door.platform.config.socket_send_seconds);
    let mut stop = pin!(stop);
    let mut conversations = JoinSet::new();
    loop {
        while conversations.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => match places.enter(Some(address.ip())) {
                Some(place) => {
                    // Without it answers may wait for acknowledgements. An error means that the peer is gone.
                    drop(stream.set_nodelay(true));
                    let handed_over = HandedOver::default();
                    let stream = Patient::new(stream, patience, Arc::clone(&handed_over));
                    let clock = Arc::clone(&door.platform.clock);
                    let routes = Routes { router: routes.clone(), address, clock, handed_over };
                    conversations.spawn(converse(builder.clone(), stream, routes, place));
                }
                // What does not fit the empty buffer of a new connection is not worth waiting for.
                None => drop(stream.try_write(FULL)),
            },
            Err(error) => recover(&error).await,
        }
    }
    drop(listener);
    door.connections.leave();
    places.leave();
    let ended = async { tokio::join!(places.emptied(), door.connections.emptied()) };
    if timeout(Duration::from_secs(settings.stop_seconds), ended).await.is_err() {
        let (http, open) = (places.open(), door.connections.open());
        tracing::warn!(http, open, "not every connection ended in time");
        // What they were about is cancelled, and recorded as that.
        conversations.shutdown().await;
    }
}

/// A connection that broke before it was accepted is its peer's affair; anything else will pass.
async fn recover(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "a connection cannot be accepted");
        sleep(EXHAUSTED).await;
    }
}

/// Answers the requests of one connection. The last may be for an event stream, which gets the connection to itself.
async fn converse(builder: http1::Builder, stream: Patient, routes: Routes, place: Place) {
    let wanted = Wanted::default();
    let service = service_fn(|request| routes.answer(request, &wanted));
    let mut connection = builder.serve_connection(stream, service).with_upgrades();
    let mut leaving = pin!(place.leaving().fuse());
    let ended = poll_fn(|context| {
        if leaving.as_mut().poll(context).is_ready() {
            Pin::new(&mut connection).graceful_shutdown();
        }
        // Only polling the connection runs what may want it.
        match Pin::new(&mut connection).poll(context) {
            Poll::Pending => take(&wanted).map_or(Poll::Pending, |wanted| Poll::Ready(Ok(Some(wanted)))),
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| None)),
        }
    });
    match ended.await {
        Ok(None) => {}
        Ok(Some((head, events))) => {
            let Some(parts) = connection.into_parts() else { return };
            // In a task of its own, which is smaller than this one.
            tokio::spawn(async move {
                events.serve(parts.io.into_inner(), head).await;
                drop(place);
            });
        }
        Err(error) => tracing::debug!(%error, "a connection ended early"),
    }
}

/// What an event stream leaves for the connection that it wants.
type Wanted = Mutex<Option<(Head, EventStream)>>;

fn take(wanted: &Wanted) -> Option<(Head, EventStream)> {
    wanted.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The routes for one connection: each request is told whom it comes from.
struct Routes {
    router: Router,
    address: SocketAddr,
    clock: SharedClock,
    handed_over: HandedOver,
}

impl Routes {
    async fn answer(&self, request: Request<Incoming>, wanted: &Wanted) -> Result<Response, Infallible> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.address));
        let (version, is_head) = (request.version(), request.method() == Method::HEAD);
        let mut response = tower_service::Service::call(&mut self.router.clone(), request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.handed_over.store(true, Ordering::Relaxed);
        }
        let Some(events) = Underway::of(&mut response).filter(|_| !is_head) else {
            return Ok(response);
        };
        let head = Head::new(&response, version, self.clock.now());
        *wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some((head, events));
        // The connection is about to be taken, and this future with it.
        future::pending().await
    }
}
