//! Who asks, and in which project: the same tokens and keys as everywhere, and the same limits.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use entity::ids::ProjectId;

use crate::platform::authorization::Scope;
use crate::platform::errors::Error;
use crate::platform::http::graphql::origin;
use crate::platform::limits::requests::{Allowance, Bill};
use crate::platform::mcp::serving::{Fault, codes};
use crate::platform::request::{Origin, Platform, Request};
use crate::platform::viewer::Viewer;

/// Somebody who may ask here.
pub struct Entered {
    pub platform: Platform,
    pub viewer: Viewer,
    pub origin: Origin,
}

impl Entered {
    /// Whoever the headers say.
    ///
    /// # Errors
    /// With the status 401 for nobody, and for who is not let in.
    pub async fn of(platform: &Platform, headers: &HeaderMap, address: SocketAddr) -> Result<Self, Fault> {
        let authorization = match headers.get(header::AUTHORIZATION).map(HeaderValue::to_str) {
            Some(Ok(value)) => Some(value),
            Some(Err(_)) => Some("unreadable"),
            None => None,
        };
        let bearer = platform.bearer(authorization, Some(address.ip())).await.map_err(|error| fault(&error))?;
        if bearer.viewer.user_id().is_none() {
            return Err(fault(&Error::Unauthenticated));
        }
        Ok(Self { platform: platform.clone(), viewer: bearer.viewer, origin: origin(headers, address) })
    }

    /// The project whose tools are asked for: a key's own, or the one that the address names.
    pub fn project(&self, named: Option<&str>) -> Result<ProjectId, Fault> {
        let own = self.viewer.key().and_then(|key| key.project).map(|project| project.project_id);
        let named = named.map(str::parse::<ProjectId>).transpose().map_err(|_| fault(&Error::NotFound))?;
        let project = match (own, named) {
            (Some(own), Some(named)) if own != named => return Err(fault(&Error::NotFound)),
            (own, named) => own.or(named).ok_or_else(|| {
                let message = "Say which project you mean: /mcp/ and its id. The key of a project says it by itself.";
                Fault::refused(StatusCode::BAD_REQUEST, message, "BAD_USER_INPUT")
            })?,
        };
        if self.viewer.project_role(project).is_none() {
            return Err(fault(&Error::NotFound));
        }
        if self.viewer.key().is_some_and(|key| !key.scopes.contains(Scope::ToolsCall)) {
            let message = "This key may not call tools: it lacks the scope tools:call.";
            return Err(Fault::refused(StatusCode::FORBIDDEN, message, "FORBIDDEN"));
        }
        Ok(project)
    }

    /// Charges a message to who asks. What is left is told in headers.
    ///
    /// # Errors
    /// Where less is left than it costs.
    pub async fn charge(&self, cost: u64) -> Result<Option<Allowance>, (Fault, Allowance)> {
        let bill = Bill::new(&self.platform, &self.viewer, &self.origin, cost);
        let charged = bill.charge(&self.platform).await;
        charged.map_err(|(allowance, retry_after)| (fault(&Error::RateLimited { retry_after }), allowance))
    }

    /// A request of theirs.
    pub fn request(self, allowance: Option<Allowance>) -> Request {
        let request = Request::new(self.platform, self.viewer, self.origin);
        request.set_allowance(allowance);
        request
    }
}

/// What an error is to a client of MCP. The cause of one of ours stays in the log.
pub fn fault(error: &Error) -> Fault {
    let status = match error {
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden => StatusCode::FORBIDDEN,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Error::BadInput { .. } | Error::Rejected(_) | Error::TooMuch(_) => {
            return Fault::new(codes::INVALID_PARAMS, error.to_string());
        }
        _ => {
            tracing::error!(%error, "a message of an MCP client was not answered");
            return Fault::new(codes::INTERNAL_ERROR, "Something went wrong on our side.");
        }
    };
    Fault::refused(status, error.to_string(), error.code())
}

/// How long a call may take: as long as a server may, and what is ours around it.
pub fn patience(platform: &Platform) -> Duration {
    Duration::from_secs(platform.config.mcp.mcp_seconds) + platform.config.operation_timeout()
}
