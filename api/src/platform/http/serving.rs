//! Serves connections: how many there may be, how long the head of a request may take, and how they end when the server
//! is told to stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::connections::Place;
use super::router::{Door, router};

/// How long a server that was told to stop waits for those whom it told in turn.
const FAREWELL: Duration = Duration::from_secs(15);
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
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => match places.enter(Some(address.ip())) {
                Some(place) => {
                    let routes = Routes { router: routes.clone(), address };
                    tokio::spawn(converse(builder.clone(), stream, routes, place));
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
    if timeout(FAREWELL, ended).await.is_err() {
        let (http, open) = (places.open(), door.connections.open());
        tracing::warn!(http, open, "not every connection ended in time");
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

async fn converse(builder: http1::Builder, stream: TcpStream, routes: Routes, place: Place) {
    // Without it answers may wait for acknowledgements. An error means that the peer is gone.
    drop(stream.set_nodelay(true));
    let leaving = place.leaving();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), routes).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = leaving => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}

/// The routes for one connection: each request is told whom it comes from.
struct Routes {
    router: Router,
    address: SocketAddr,
}

impl hyper::service::Service<Request<Incoming>> for Routes {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.address));
        tower_service::Service::call(&mut self.router.clone(), request)
    }
}
