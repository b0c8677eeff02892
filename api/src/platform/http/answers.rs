//! One operation as a stream of answers: what the transports that stay open (WebSocket, event stream) have in common.
//! Also the one place where operations are charged, and where a mutation runs under its idempotency key, whatever
//! transport they came by.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response, ServerError, Value, value};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::try_join;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, TryFutureExt};
use serde::Serialize;
use tokio::time::Instant;

use super::engine::{Admitted, failed};
use super::observed::Observed;
use super::router::Door;
use crate::platform::clock::Clock;
use crate::platform::errors::{Error, Result};
use crate::platform::idempotency::{Idempotency, KeptAnswer};
use crate::platform::limits::requests::{Allowance, Bill};
use crate::platform::request::{Origin, Platform, Request};
use crate::platform::viewer::{Bearer, Viewer, Viewers};
use crate::platform::written;

/// Who calls, from where, and until when the caller's token is good.
#[derive(Clone, Debug)]
pub struct Caller {
    pub viewer: Viewer,
    pub expires: Option<DateTime<Utc>>,
    pub origin: Origin,
    /// Bytes of content that the operations of one request have read.
    content_bytes: Arc<AtomicU64>,
}

impl Caller {
    pub fn new(bearer: Bearer, origin: Origin) -> Self {
        Self { viewer: bearer.viewer, expires: bearer.expires, origin, content_bytes: Arc::default() }
    }

    /// The same caller with another request.
    pub fn anew(&self) -> Self {
        Self { content_bytes: Arc::default(), ..self.clone() }
    }

    /// A request, which is yet to be charged.
    fn into_request(self, platform: Platform) -> Request {
        Request::new(platform, self.viewer, self.origin).counting_content_in(self.content_bytes)
    }

    /// The same caller with its session or key and its grants confirmed again; `Unauthenticated` when that is over.
    pub async fn confirmed(mut self, viewers: &Viewers) -> Result<Self> {
        self.viewer = viewers.confirmed(self.viewer).await?;
        Ok(self)
    }

    /// Resolves once the caller's session or key was found to be over. Nobody has none.
    pub fn session_ends(&self, viewers: &Viewers) -> Option<impl Future<Output = ()> + Send + use<>> {
        self.viewer.standing().map(|standing| viewers.open_sessions().ended(standing))
    }

    /// When the caller's token ends, on the clock that timers use.
    pub fn expires_at(&self, clock: &dyn Clock) -> Option<Instant> {
        let left = (self.expires? - clock.now()).to_std().unwrap_or_default();
        Instant::now().checked_add(left)
    }
}

/// What goes out for an operation, in order.
#[derive(Debug)]
pub enum Answer {
    /// A result, as JSON.
    Result(Bytes),
    /// The operation did not run, or can go no further. Nothing follows.
    Refused(Vec<ServerError>),
    /// The viewer's session or key ended while the subscription ran. Nothing follows.
    SessionOver,
}

pub type Answers = BoxStream<'static, Answer>;

impl Answer {
    pub fn failed(error: Error) -> Self {
        Answer::Refused(failed(error).errors)
    }

    fn to_subscriber(response: Response, signed_in: bool) -> Self {
        if signed_in && response.errors.iter().any(is_unauthenticated) {
            Answer::SessionOver
        } else if ran(&response) {
            Answer::Result(written::json(&response))
        } else {
            Answer::Refused(response.errors)
        }
    }
}

/// What an operation that ends was answered.
#[derive(Debug)]
pub struct Outcome {
    pub response: Response,
    /// The response as JSON; of a repeated mutation, the first answer to the letter.
    pub body: Bytes,
    pub ran: bool,
    pub statements: u32,
    /// What the operation cost and what is left; none where nothing limits it.
    pub allowance: Option<Allowance>,
}

impl Outcome {
    fn new(mut response: Response, request: &Request) -> Self {
        let allowance = request.allowance();
        if let Some(allowance) = allowance {
            let Allowance { limit, cost, remaining, reset_at, .. } = allowance;
            let told = value!({ "requested": cost, "actual": written::fields(&response.data), "remaining": remaining });
            response.extensions.insert("cost".to_owned(), told);
            let left =
                value!({ "limit": limit, "cost": cost, "remaining": remaining, "resetAt": reset_at.to_rfc3339() });
            response.extensions.insert("rateLimit".to_owned(), left);
        }
        let (body, ran) = (body(&response), ran(&response));
        Self { body, ran, response, statements: request.statements(), allowance }
    }

    /// The refusal of an operation that costs more than is left.
    fn too_much(allowance: Allowance, retry_after: Duration, request: &Request) -> Self {
        let mut response = failed(Error::RateLimited { retry_after });
        for extensions in response.errors.iter_mut().filter_map(|error| error.extensions.as_mut()) {
            extensions.set("limit", allowance.limit);
            extensions.set("cost", allowance.cost);
            extensions.set("remaining", allowance.remaining);
            extensions.set("resetAt", allowance.reset_at.to_rfc3339());
        }
        Self {
            body: body(&response),
            ran: false,
            response,
            statements: request.statements(),
            allowance: Some(allowance),
        }
    }
}

impl<E: Executor> Door<E> {
    /// Runs a query or a mutation to its end. Under an idempotency key a repeated mutation gets the first answer.
    pub async fn run_to_end(&self, caller: Caller, admitted: Admitted, idempotency_key: Option<&str>) -> Outcome {
        let (kind, id) = caller.viewer.actor();
        let request = caller.into_request(self.platform.clone());
        let mut observed = Observed::new(&admitted, &request);
        let bill = bill(&request, &admitted);
        let outcome = match (admitted.operation_type(), idempotency_key, id) {
            (OperationType::Mutation, Some(key), Some(id)) => {
                let idempotency = Idempotency::new(kind, id, key.to_owned(), admitted.fingerprint());
                match charge(&request, &bill).await {
                    Ok(()) => self.run_once(admitted, request, idempotency).await,
                    Err(refused) => *refused,
                }
            }
            (operation_type, ..) => {
                let request = Arc::new(request);
                let may_begin = operation_type == OperationType::Query
                    && !admitted.may_ask_what_is_left()
                    && bill.set_aside(&self.platform);
                let charging = charge(&request, &bill);
                let running = self.engine.execute(admitted, Arc::clone(&request)).map(Ok);
                // A query changes nothing: it may run beside its charge, and stops if that is refused after all.
                let ran = match may_begin {
                    true => try_join(charging, running).await.map(|((), response)| response),
                    false => charging.and_then(|()| running).await,
                };
                match ran {
                    Ok(response) => Outcome::new(response, &request),
                    Err(refused) => *refused,
                }
            }
        };
        observed.ended(outcome.ran, &outcome.response.errors, outcome.statements);
        outcome
    }

    async fn run_once(&self, admitted: Admitted, mut request: Request, idempotency: Idempotency) -> Outcome {
        let connection = request.connection();
        match idempotency.kept_answer(&connection).await {
            Ok(Some(kept)) => {
                let body = kept.body.into();
                let (statements, allowance) = (request.statements(), request.allowance());
                return Outcome { response: Response::default(), body, ran: true, statements, allowance };
            }
            Ok(None) => {}
            Err(error) => return Outcome::new(failed(error), &request),
        }
        request.idempotency = Some(idempotency);
        let request = Arc::new(request);
        let response = self.engine.execute(admitted, Arc::clone(&request)).await;
        let outcome = Outcome::new(response, &request);
        // A failed answer is not kept: a retry may do better.
        if let (Some(idempotency), true) = (&request.idempotency, outcome.response.errors.is_empty()) {
            let kept = KeptAnswer { status: 200, body: outcome.body.to_vec() };
            if let Err(error) = idempotency.keep_answer(&connection, &kept).await {
                tracing::warn!(%error, "an idempotent answer was not kept; its outcome is");
            }
        }
        outcome
    }
}

fn bill(request: &Request, admitted: &Admitted) -> Bill {
    Bill::new(&request.platform, &request.viewer(), &request.origin, admitted.requested_cost)
}

/// Charges the operation to whoever asks; one that costs more than is left gets its refusal.
async fn charge(request: &Request, bill: &Bill) -> Result<(), Box<Outcome>> {
    match bill.charge(&request.platform).await {
        Ok(allowance) => {
            request.set_allowance(allowance);
            Ok(())
        }
        Err((allowance, retry_after)) => Err(Box::new(Outcome::too_much(allowance, retry_after, request))),
    }
}

/// Runs an operation of any kind. Dropping the answers stops it.
pub fn answers<E: Executor>(
    door: Arc<Door<E>>,
    caller: Caller,
    admitted: Admitted,
    idempotency_key: Option<String>,
) -> Answers {
    if admitted.operation_type() == OperationType::Subscription {
        let request = Arc::new(caller.into_request(door.platform.clone()));
        let mut observed = Observed::new(&admitted, &request);
        let begin = async move {
            match charge(&request, &bill(&request, &admitted)).await {
                Ok(()) => events(&door, request, admitted, observed),
                Err(refused) => {
                    observed.ended(false, &refused.response.errors, refused.statements);
                    only(Answer::Refused(refused.response.errors))
                }
            }
        };
        return stream::once(begin.boxed()).flatten().boxed();
    }
    let outcome = async move {
        let outcome = door.run_to_end(caller, admitted, idempotency_key.as_deref()).await;
        if outcome.ran { Answer::Result(outcome.body) } else { Answer::Refused(outcome.response.errors) }
    };
    stream::once(outcome).boxed()
}

/// The answers of a subscription.
fn events<E: Executor>(door: &Door<E>, request: Arc<Request>, admitted: Admitted, mut observed: Observed) -> Answers {
    let signed_in = request.viewer().user_id().is_some();
    let events = door.engine.subscribe(admitted, Arc::clone(&request));
    let answers = events.map(move |response| {
        observed.ended(ran(&response), &response.errors, request.statements());
        Answer::to_subscriber(response, signed_in)
    });
    answers.boxed()
}

/// Answers with this one alone.
pub fn only(answer: Answer) -> Answers {
    stream::once(async { answer }).boxed()
}

/// Whether the operation ran: one that was refused or stopped before has no data, and errors without a path.
pub fn ran(response: &Response) -> bool {
    let errors = &response.errors;
    response.data != Value::Null || errors.is_empty() || errors.iter().any(|error| !error.path.is_empty())
}

/// The JSON of a response. One that did not run has no data, not even null.
pub fn body(response: &Response) -> Bytes {
    if ran(response) { written::json(response) } else { json(&serde_json::json!({ "errors": response.errors })) }
}

/// The JSON of something that always has one.
pub fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("Invariant: responses, errors and ids have string keys and finite numbers").into()
}

fn is_unauthenticated(error: &ServerError) -> bool {
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    matches!(code, Some(Value::String(code)) if code == Error::Unauthenticated.code())
}
