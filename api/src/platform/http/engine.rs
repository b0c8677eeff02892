//! Runs operations, whatever transport they came by: the guard first, then the engine, with the loaders beside it.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_graphql::parser::types::{
    BaseType, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Type,
};
use async_graphql::{Executor, Name, Response, ServerError, Value, Variables};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::guard::{self, Limits, Refusal, RefusalCode, SchemaShape};
use super::remembered::Remembered;
use super::report::{finish, refusal};
use crate::platform::errors::Error;
use crate::platform::loaders::Dispatched;
use crate::platform::request::Request;
use crate::platform::telemetry::metrics::kind_name;
use crate::platform::telemetry::{self, TRACE};
use crate::platform::written::EachNameOnce;

/// What the documents that are remembered after parsing weigh at most, in each of two generations. A field of a parsed
/// document takes about half a kilobyte.
const REMEMBERED: u64 = 16 * 1024 * 1024;
const FIELD_WEIGHT: u64 = 512;

/// For how long operations may wait for others at most.
const MOST_PAUSED: Duration = Duration::from_secs(600);
/// Between two looks at an operation that waits for others and has used up its own time.
const LOOK: Duration = Duration::from_millis(100);

/// One operation to run.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub query: Arc<str>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// The id to keep the document under once it is let in.
    pub register_as: Option<String>,
}

/// A document that was scanned, parsed, examined and rewritten.
#[derive(Debug)]
struct Prepared {
    document: ExecutableDocument,
    /// Whether it asks for nothing twice under one name in one place.
    each_name_once: bool,
    /// The engine found no fault with it, so it need not look again.
    validated: AtomicBool,
}

/// A call that passed the guard.
#[derive(Clone, Debug)]
pub struct Admitted {
    prepared: Arc<Prepared>,
    call: Call,
    operation_type: OperationType,
    /// What the operation may cost at most, by the guard's reckoning.
    pub requested_cost: u64,
}

impl Admitted {
    /// Whether the document passed validation before and the variables plainly fit their types. Validation also looks
    /// at the values of variables, so those of input objects, lists and enums are always validated.
    fn is_known_to_be_valid(&self) -> bool {
        let operation = guard::selected_operation(&self.prepared.document, self.call.operation_name.as_deref());
        self.prepared.validated.load(Ordering::Relaxed)
            && operation.is_some_and(|operation| {
                operation.node.variable_definitions.iter().all(|definition| {
                    let wanted = &definition.node.var_type.node;
                    let value = self.call.variables.get(&definition.node.name.node);
                    plainly_fits(wanted, value.unwrap_or(&Value::Null))
                })
            })
    }

    pub fn operation_type(&self) -> OperationType {
        self.operation_type
    }

    /// Whether the document may hold the field `rateLimit`, which takes that the operation was charged.
    pub fn may_ask_what_is_left(&self) -> bool {
        self.call.query.contains("rateLimit")
    }

    /// The name of the operation, if it has one.
    pub fn name(&self) -> Option<&str> {
        match (&self.call.operation_name, &self.prepared.document.operations) {
            (Some(name), _) => Some(name),
            (None, DocumentOperations::Multiple(operations)) => operations.keys().next().map(Name::as_str),
            (None, DocumentOperations::Single(_)) => None,
        }
    }

    /// The span of this operation, within the trace that the client tells of.
    fn span(&self, request: &Request) -> tracing::Span {
        let kind = kind_name(self.operation_type);
        let name = self.name().unwrap_or(kind);
        let span = tracing::debug_span!(
            target: TRACE, "operation", otel.name = name, otel.kind = "server",
            graphql.operation.type = kind, trellis.request_id = %request.id,
        );
        telemetry::continue_trace(&span, request.origin.trace_parent.as_deref());
        span
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

/// What the guard needs to know: the shape of the graph, and the limits.
#[derive(Debug)]
pub struct Guard {
    pub shape: &'static SchemaShape,
    pub limits: Limits,
}

/// The key of a remembered document: the hash of its text and of the operation's name.
type DocumentKey = [u8; 32];

/// The graph, behind its guard.
pub struct Engine<E> {
    /// Validates every document.
    executor: E,
    /// Trusts that the document is valid.
    trusting: E,
    guard: Guard,
    introspection: bool,
    timeout: Duration,
    prepared: Remembered<DocumentKey, Arc<Prepared>>,
}

impl<E> std::fmt::Debug for Engine<E> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl<E: Executor> Engine<E> {
    pub fn new(executor: E, trusting: E, guard: Guard, introspection: bool, timeout: Duration) -> Self {
        Self { executor, trusting, guard, introspection, timeout, prepared: Remembered::new(REMEMBERED) }
    }

    /// Scans, parses and examines the call. A refusal is a response with its typed error.
    pub fn admit(&self, mut call: Call) -> Result<Admitted, Box<Response>> {
        let Guard { shape, limits } = &self.guard;
        let key = document_key(&call);
        let name = call.operation_name.as_deref();
        let (prepared, requested_cost) = match self.prepared.get(&key) {
            Some(prepared) => {
                call.variables = guard::with_defaults(&prepared.document, name, call.variables);
                let cost = guard::cost(&prepared.document, shape, name, &call.variables, limits).map_err(refused)?;
                (prepared, cost)
            }
            None => {
                guard::scan(&call.query, limits).map_err(refused)?;
                let document = async_graphql::parser::parse_query(&call.query).map_err(unparsed)?;
                call.variables = guard::with_defaults(&document, name, call.variables);
                let examined = guard::examine(&document, shape, name, &call.variables, limits).map_err(refused)?;
                let document = guard::rewrite(document, shape, limits).map_err(refused)?;
                let each_name_once = guard::asks_each_name_once(&document, shape);
                let prepared = Arc::new(Prepared { document, each_name_once, validated: AtomicBool::new(false) });
                let weight = examined.expanded_fields * FIELD_WEIGHT + examined.expanded_bytes;
                self.prepared.insert(key, Arc::clone(&prepared), weight);
                (prepared, examined.requested_cost)
            }
        };
        let operation = guard::selected_operation(&prepared.document, name).ok_or_else(unselected)?;
        check_required(&operation.node, &call.variables)?;
        let operation_type = operation.node.ty;
        Ok(Admitted { prepared, call, operation_type, requested_cost })
    }

    fn engine_request(&self, admitted: Admitted, request: Arc<Request>) -> async_graphql::Request {
        let mut engine_request = async_graphql::Request::new("").variables(admitted.call.variables).data(request);
        if let Some(name) = admitted.call.operation_name {
            engine_request = engine_request.operation_name(name);
        }
        if !self.introspection {
            engine_request = engine_request.disable_introspection();
        }
        if admitted.prepared.each_name_once {
            engine_request = engine_request.data(EachNameOnce);
        }
        engine_request.set_parsed_query(admitted.prepared.document.clone());
        engine_request
    }

    /// How many parsed documents are remembered.
    pub fn remembered(&self) -> usize {
        self.prepared.count()
    }

    /// Runs a query or a mutation to its end.
    pub async fn execute(&self, admitted: Admitted, request: Arc<Request>) -> Response {
        let loaders = request.loaders().clone();
        let request_id = Some(request.id);
        let span = admitted.span(&request);
        let prepared = Arc::clone(&admitted.prepared);
        let executor = if admitted.is_known_to_be_valid() { &self.trusting } else { &self.executor };
        let engine_request = self.engine_request(admitted, Arc::clone(&request));
        let execution = Dispatched::new(loaders, executor.execute(engine_request)).instrument(span);
        let execution = AssertUnwindSafe(in_time(&request, self.timeout, execution)).catch_unwind();
        let response = match execution.await {
            Ok(Ok(response)) => {
                if response.errors.iter().all(|error| !error.path.is_empty()) {
                    prepared.validated.store(true, Ordering::Relaxed);
                }
                response
            }
            Ok(Err(error)) => failed(error),
            Err(_) => Response::from_errors(vec![raised(Error::internal("a resolver panicked"))]),
        };
        finish(response, request_id)
    }

    /// Opens a subscription.
    pub fn subscribe(&self, admitted: Admitted, request: Arc<Request>) -> BoxStream<'static, Response> {
        let loaders = request.loaders().clone();
        let request_id = Some(request.id);
        let engine_request = self.engine_request(admitted, request);
        let stream = Dispatched::new(loaders, self.executor.execute_stream(engine_request, None));
        ended_by_panic(stream).map(move |response| finish(response, request_id)).boxed()
    }
}

/// What the work comes to, unless it takes longer than it may. The time in which it waits for others, within limits of
/// their own, is not its own, up to a while.
async fn in_time<T>(request: &Request, limit: Duration, work: impl Future<Output = T>) -> Result<T, Error> {
    let mut work = pin!(work);
    let begun = Instant::now();
    loop {
        let paused = request.paused().min(MOST_PAUSED);
        let spent = begun.elapsed().saturating_sub(paused);
        let left = limit.checked_sub(spent).filter(|left| !left.is_zero()).ok_or(Error::Timeout)?;
        // While it waits for others nothing of its own time passes: that is looked at now and then.
        if let Ok(done) = tokio::time::timeout(left.max(LOOK), work.as_mut()).await {
            return Ok(done);
        }
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
    finish(Response::from_errors(vec![raised(error)]), None)
}

fn raised(error: Error) -> ServerError {
    let mut server_error = ServerError::new(error.to_string(), None);
    server_error.source = Some(Arc::new(error));
    server_error
}

fn plainly_fits(wanted: &Type, value: &Value) -> bool {
    let BaseType::Named(name) = &wanted.base else { return false };
    match (name.as_str(), value) {
        ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        _ => false,
    }
}

fn document_key(call: &Call) -> DocumentKey {
    let mut digest = Sha256::new();
    digest.update(call.query.as_bytes());
    digest.update([0]);
    digest.update(call.operation_name.as_deref().unwrap_or_default().as_bytes());
    digest.finalize().into()
}

fn unparsed(error: async_graphql::parser::Error) -> Box<Response> {
    let error: ServerError = error.into();
    refusal(error.message, error.locations.first().copied(), "GRAPHQL_PARSE_FAILED")
}

/// A variable that must have a value and has none is a fault of the request, found before anything runs.
fn check_required(operation: &OperationDefinition, variables: &Variables) -> Result<(), Box<Response>> {
    for definition in &operation.variable_definitions {
        let (name, wanted) = (&definition.node.name.node, &definition.node.var_type.node);
        let given = variables.get(name).is_some_and(|value| *value != Value::Null);
        if !wanted.nullable && !given {
            let message = format!("The variable ${name} of the required type {wanted} was not given.");
            return Err(refusal(message, Some(definition.pos), "GRAPHQL_VALIDATION_FAILED"));
        }
    }
    Ok(())
}

fn unselected() -> Box<Response> {
    let message = "Name one of the operations of the document as operationName.";
    Box::new(failed(Error::bad_input("operationName", message)))
}

fn refused(found: Refusal) -> Box<Response> {
    let code = match found.code {
        RefusalCode::FragmentCycle | RefusalCode::TypenameIsLeaf | RefusalCode::FieldsConflict => {
            "GRAPHQL_VALIDATION_FAILED"
        }
        RefusalCode::UnterminatedString => "GRAPHQL_PARSE_FAILED",
        _ => "QUERY_TOO_COMPLEX",
    };
    let mut response = refusal(found.to_string(), found.position, code);
    for extensions in response.errors.iter_mut().filter_map(|error| error.extensions.as_mut()) {
        extensions.set("reason", found.code.as_str());
        extensions.set("limit", found.limit);
        extensions.set("actual", found.actual);
    }
    response
}
