//! What a client may see of an error. The only place where errors become messages with `extensions.code`;
//! causes go to the log under an id.

use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError, Value};
use uuid::Uuid;

use crate::platform::errors::{Error, UNAVAILABLE};
use crate::platform::limits::requests::Allowance;

/// Gives every error of the response its code, and keeps causes back. An operation that came to nothing because the
/// database was away is answered as one that did not run.
/// The request names what went wrong, also in the line of its operation.
pub fn finish(mut response: Response, request_id: Option<Uuid>) -> Response {
    for error in &mut response.errors {
        describe(error, request_id);
    }
    let is_away = response.errors.iter().position(|error| code(error) == Some(UNAVAILABLE));
    if let (Some(index), true) = (is_away, is_nothing(&response.data)) {
        let mut error = response.errors.swap_remove(index);
        error.path.clear();
        return Response::from_errors(vec![error]);
    }
    response
}

/// Whether an operation came to nothing because the database was away.
pub fn is_unavailable(response: &Response) -> bool {
    is_nothing(&response.data) && response.errors.iter().any(|error| code(error) == Some(UNAVAILABLE))
}

fn is_nothing(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(|field| *field == Value::Null),
        _ => false,
    }
}

fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// A response that is one error with this code.
pub fn refusal(message: impl Into<String>, position: Option<Pos>, code: &str) -> Box<Response> {
    let mut error = ServerError::new(message, position);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    error.extensions = Some(extensions);
    Box::new(Response::from_errors(vec![error]))
}

fn describe(error: &mut ServerError, request_id: Option<Uuid>) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_some() {
        return;
    }
    let Some(raised) = error.source::<Error>().cloned() else {
        let code = if error.path.is_empty() { "GRAPHQL_VALIDATION_FAILED" } else { "BAD_USER_INPUT" };
        error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
        return;
    };
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", raised.code());
    if let Error::BadInput { field, .. } = &raised {
        extensions.set("field", field.as_str());
    }
    if let Error::RateLimited { retry_after } = &raised {
        extensions.set("retryAfter", Allowance::seconds(*retry_after));
    }
    if raised.is_internal() {
        let id = log(&raised, request_id);
        error.message = format!("Something went wrong on our side. Quote {id} when you report it.");
        extensions.set("id", id);
    } else {
        if let Error::Unavailable(cause) = &raised {
            tracing::warn!(%cause, "the database does not answer");
        }
        error.message = raised.to_string();
    }
}

/// Logs the cause and gives the id it is logged under: that of the request, where there is one.
#[expect(clippy::disallowed_methods, reason = "an id for the log, needed where there may be no request")]
fn log(error: &Error, request_id: Option<Uuid>) -> String {
    let id = request_id.unwrap_or_else(Uuid::new_v4).to_string();
    tracing::error!(%error, request_id = id, "internal error");
    id
}
