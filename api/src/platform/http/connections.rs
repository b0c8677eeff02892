//! Open connections: how many there may be, and how they are told to leave. One count is of HTTP connections, another of
//! what stays open on purpose: WebSockets and event streams.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tokio::sync::watch;

use crate::platform::limits::network;

/// Counts open connections of one kind, in all and by address.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    most_per_address: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    open: watch::Sender<usize>,
    leaving: watch::Sender<bool>,
}

impl Connections {
    /// Room for so many, in all and from one address.
    pub fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_per_address,
            by_address: Mutex::default(),
            open: watch::Sender::new(0),
            leaving: watch::Sender::new(false),
        })
    }

    /// A place for one more connection, given back when it is dropped; none when all are taken or the server leaves.
    pub fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let network = address.map(network);
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let held = network.and_then(|network| by_address.get(&network)).copied().unwrap_or(0);
        if *self.leaving.borrow() || *self.open.borrow() >= self.most || held >= self.most_per_address {
            return None;
        }
        if let Some(network) = network {
            by_address.insert(network, held + 1);
        }
        self.open.send_modify(|open| *open += 1);
        Some(Place { connections: Arc::clone(self), network })
    }

    /// How many are open now.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Tells every connection to finish what it does and close. New ones are refused from now on.
    pub fn leave(&self) {
        self.leaving.send_replace(true);
    }

    /// Resolves once the server leaves.
    pub fn leaving(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut leaving = self.leaving.subscribe();
        async move {
            // An error means that the sender is gone, and so is the server.
            let _ = leaving.wait_for(|leaving| *leaving).await;
        }
    }

    /// Resolves once no connection is open.
    pub async fn emptied(&self) {
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open == 0).await;
    }
}

/// The place of one open connection.
#[derive(Debug)]
pub struct Place {
    connections: Arc<Connections>,
    network: Option<IpAddr>,
}

impl Place {
    /// Resolves once the server leaves.
    pub fn leaving(&self) -> impl Future<Output = ()> + Send + use<> {
        self.connections.leaving()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(network) = self.network {
            let mut by_address = self.connections.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(held) = by_address.get_mut(&network) {
                *held -= 1;
                if *held == 0 {
                    by_address.remove(&network);
                }
            }
        }
        self.connections.open.send_modify(|open| *open -= 1);
    }
}

/// The answer to a connection for which there is no place.
pub fn full() -> Response {
    let message = "Too many connections are open, in all or from this address. Close some, or try again later.";
    let content = json!({ "errors": [{ "message": message, "extensions": { "code": "RATE_LIMITED" } }] });
    let mut response = Response::new(Body::from(content.to_string()));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    response
}
