//! Traces, by setting: each operation and each of its statements is a span, sent to a collector as OTLP over HTTP. The
//! collector stands beside the server, so that there is no TLS on the way to it.

use async_trait::async_trait;
use axum::body::{Body, Bytes, to_bytes};
use http::header::{HOST, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Request, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::TRACE;
use crate::platform::errors::{Error, Result};

/// What is read of an answer of the collector.
const ANSWER_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send to this address. Must be called within the runtime.
    pub fn start(endpoint: &str) -> Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { runtime: Handle::current() })
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|error| Error::internal(format!("TRELLIS_TRACES_ENDPOINT: {error}")))?;
        let resource = Resource::builder().with_service_name("trellis").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self { provider })
    }

    /// Makes spans of the operations and statements that are under way.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.provider.tracer("trellis"));
        layer.with_filter(Targets::new().with_target(TRACE, Level::DEBUG))
    }

    /// Sends what was not sent yet.
    pub async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

/// The way to the collector. The exporter has a thread of its own, and so asks the runtime to send.
#[derive(Debug)]
struct Collector {
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime.spawn(send(request)).await?
    }
}

async fn send(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut head, content) = request.into_parts();
    let host = head.uri.host().ok_or("the collector's address has no host")?.to_owned();
    let port = head.uri.port_u16().unwrap_or(80);
    head.headers.insert(HOST, HeaderValue::try_from(format!("{host}:{port}"))?);
    let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    head.uri = Uri::from(path);

    let stream = TcpStream::connect((host, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What breaks the connection also fails the request that waits on it.
    tokio::spawn(async move { drop(connection.await) });
    let answer = sender.send_request(Request::from_parts(head, Body::from(content))).await?;
    let (head, body) = answer.into_parts();
    Ok(Response::from_parts(head, to_bytes(Body::new(body), ANSWER_BYTES).await?))
}
