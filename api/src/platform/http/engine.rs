//! Runs operations, whatever transport they came by: the guard first, then the engine, with the loaders beside it.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Executor, Pos, Response, ServerError, Variables};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt};
use sha2::{Digest, Sha256};

use super::guard::{Examined, Guard, Refusal};
use super::report::finish;
use crate::platform::errors::Error;
use crate::platform::loaders::Dispatched;
use crate::platform::request::Request;

/// Documents remembered after parsing, at most.
const REMEMBERED: usize = 1_000;

/// One operation to run.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
}

/// A document that was scanned, parsed and rewritten.
#[derive(Debug)]
pub struct Prepared {
    document: ExecutableDocument,
}

/// A call that passed the guard.
#[derive(Clone, Debug)]
pub struct Admitted {
    prepared: Arc<Prepared>,
    call: Call,
    examined: Examined,
}

impl Admitted {
    pub fn operation_type(&self) -> OperationType {
        self.examined.operation_type
    }

    /// A digest of the operation and its variables: what an idempotency key was used for.
    pub fn fingerprint(&self) -> Vec<u8> {
        let mut digest = Sha256::new();
        digest.update(self.call.query.as_bytes());
        digest.update([0]);
        digest.update(self.call.operation_name.as_deref().unwrap_or_default().as_bytes());
        digest.update([0]);
        digest.update(serde_json::to_vec(&self.call.variables).unwrap_or_default());
        digest.finalize().to_vec()
    }
}

/// The graph, behind its guard.
pub struct Engine<E> {
    executor: E,
    guard: Guard,
    introspection: bool,
    timeout: std::time::Duration,
    prepared: Mutex<HashMap<[u8; 32], Arc<Prepared>>>,
}

impl<E> std::fmt::Debug for Engine<E> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl<E: Executor> Engine<E> {
    pub fn new(executor: E, guard: Guard, introspection: bool, timeout: std::time::Duration) -> Self {
        Self { executor, guard, introspection, timeout, prepared: Mutex::default() }
    }

    /// Scans, parses and examines the call. A refusal is a response with its typed error.
    pub fn admit(&self, call: Call) -> Result<Admitted, Box<Response>> {
        let prepared = self.prepare(&call.query)?;
        let examined = self
            .guard
            .examine(&prepared.document, call.operation_name.as_deref(), &call.variables)
            .map_err(refused)?;
        Ok(Admitted { prepared, call, examined })
    }

    fn prepare(&self, query: &str) -> Result<Arc<Prepared>, Box<Response>> {
        self.guard.scan(query).map_err(refused)?;
        let hash: [u8; 32] = Sha256::digest(query.as_bytes()).into();
        if let Some(prepared) = self.lock().get(&hash) {
            return Ok(Arc::clone(prepared));
        }
        let document = async_graphql::parser::parse_query(query)
            .map_err(|error| Box::new(finish(Response::from_errors(vec![error.into()]))))?;
        let document = self.guard.rewrite(document).map_err(refused)?;
        let prepared = Arc::new(Prepared { document });
        let mut remembered = self.lock();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(hash, Arc::clone(&prepared));
        Ok(prepared)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<Prepared>>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engine_request(&self, admitted: Admitted, request: Arc<Request>) -> async_graphql::Request {
        let mut engine_request = async_graphql::Request::new("").variables(admitted.call.variables).data(request);
        if let Some(name) = admitted.call.operation_name {
            engine_request = engine_request.operation_name(name);
        }
        if !self.introspection {
            engine_request = engine_request.disable_introspection();
        }
        engine_request.set_parsed_query(admitted.prepared.document.clone());
        engine_request
    }

    /// Runs a query or a mutation to its end.
    pub async fn execute(&self, admitted: Admitted, request: Arc<Request>) -> Response {
        let loaders = request.loaders().clone();
        let engine_request = self.engine_request(admitted, request);
        let execution = Dispatched::new(loaders, self.executor.execute(engine_request));
        let execution = AssertUnwindSafe(tokio::time::timeout(self.timeout, execution)).catch_unwind();
        let response = match execution.await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => failed(Error::Timeout),
            Err(_) => failed(Error::internal("a resolver panicked")),
        };
        finish(response)
    }

    /// Opens a subscription.
    pub fn subscribe(&self, admitted: Admitted, request: Arc<Request>) -> BoxStream<'static, Response> {
        let loaders = request.loaders().clone();
        let engine_request = self.engine_request(admitted, request);
        let stream = Dispatched::new(loaders, self.executor.execute_stream(engine_request, None));
        ended_by_panic(stream).map(finish).boxed()
    }
}

/// A stream that ends with an error when its source panics.
fn ended_by_panic(stream: impl Stream<Item = Response> + Send) -> impl Stream<Item = Response> + Send {
    AssertUnwindSafe(stream)
        .catch_unwind()
        .map(|item| item.unwrap_or_else(|_| failed(Error::internal("a subscription panicked"))))
}

/// A response that holds this error alone.
pub fn failed(error: Error) -> Response {
    let source: Arc<dyn std::any::Any + Send + Sync> = Arc::new(error.clone());
    let mut server_error = ServerError::new(error.to_string(), None);
    server_error.source = Some(source);
    finish(Response::from_errors(vec![server_error]))
}

fn refused(refusal: Refusal) -> Box<Response> {
    let position: Option<Pos> = refusal.position;
    let mut error = ServerError::new(refusal.to_string(), position);
    let mut extensions = async_graphql::ErrorExtensionValues::default();
    extensions.set("code", refusal.code.as_str());
    extensions.set("limit", refusal.limit);
    extensions.set("actual", refusal.actual);
    error.extensions = Some(extensions);
    Box::new(Response::from_errors(vec![error]))
}
