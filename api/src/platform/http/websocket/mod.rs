//! GraphQL over WebSocket: the graphql-transport-ws protocol, for operations of every kind.
//! One task per socket reads, runs and writes; what it holds is bounded (`connection`), and an idle one holds little.
//!
//! Close codes of the protocol: 4400 malformed message, 4401 subscribed before the acknowledgement, 4403 bad token,
//! token expired or session ended, 4406 other subprotocol, 4408 no `connection_init` in time, 4409 operation id in use,
//! 4429 second `connection_init`. Others: 1001 the server leaves, 1002 and 1007 broken frames, 1009 message too big,
//! 1013 sign-in cannot be checked now, 4411 slow consumer, 4499 no sign of life. After 1001, 1013, 4403, 4408, 4411 and
//! 4499 the graphql-ws client connects again; the others it takes as final.

mod connection;
mod deadlines;
mod fragment;
mod handshake;
mod operations;
mod protocol;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::http::request::Parts;
use axum::response::Response;

use super::connections::Place;
use super::router::Door;
use crate::platform::config::Config;
use crate::platform::request::Origin;
use connection::Connection;
use handshake::Accepted;
use protocol::Close;
use socket::Socket;

pub use handshake::is_wanted;

/// How patient the server is with a socket, and how much one may send and run.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Until `connection_init`, and for checking its token.
    introduction: Duration,
    /// Between two pings; a peer that gave no sign of life between them is gone.
    ping: Duration,
    /// For the peer to take 64 KiB of what it is sent.
    send: Duration,
    message_bytes: usize,
    streams: usize,
}

impl Limits {
    fn new(config: &Config) -> Self {
        Self {
            introduction: Duration::from_secs(config.socket_init_seconds),
            ping: Duration::from_secs(config.socket_ping_seconds),
            send: Duration::from_secs(config.socket_send_seconds),
            message_bytes: config.socket_message_bytes,
            streams: config.socket_streams,
        }
    }
}

/// Answers the handshake and serves the socket in a task of its own, which holds the place while it lasts.
pub fn upgrade<E: Executor>(door: Arc<Door<E>>, parts: &mut Parts, origin: Origin, place: Place) -> Response {
    let Accepted { response, upgraded, speaks_protocol } = match handshake::accept(parts) {
        Ok(accepted) => accepted,
        Err(refusal) => return refusal,
    };
    tokio::spawn(async move {
        // An error means that the client left before the handshake was over.
        if let Ok(upgraded) = upgraded.await {
            let limits = Limits::new(&door.platform.config);
            let socket = Socket::new(upgraded);
            if speaks_protocol {
                Connection::new(door, origin, socket, limits).run().await;
            } else {
                socket.close(Close::subprotocol()).await;
            }
        }
        drop(place);
    });
    response
}
