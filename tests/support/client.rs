//! A client of the server: a person with an access token, or nobody.

use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Value, json};

use super::answer::Answer;
use super::graph::graph;
use super::server::Server;
use super::socket::Socket;

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    graphql: String,
    websocket: String,
    /// The id of the user; empty for nobody.
    pub id: String,
    pub token: Option<String>,
}

impl Client {
    pub fn new(http: reqwest::Client, server: &Server, id: String, token: Option<String>) -> Self {
        Self { http, graphql: server.graphql(), websocket: server.websocket(), id, token }
    }

    /// The same client as somebody else, or nobody.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The same client of another server.
    pub fn of(&self, graphql: &str) -> Self {
        Self { graphql: graphql.to_owned(), websocket: graphql.replacen("http", "ws", 1), ..self.clone() }
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// A POST to the graph, still without a body.
    pub fn post(&self) -> RequestBuilder {
        self.authorized(self.http.post(&self.graphql))
    }

    /// A GET of the graph with a query string.
    pub fn get(&self, query: &str) -> RequestBuilder {
        self.authorized(self.http.get(format!("{}?{query}", self.graphql)))
    }

    /// Runs an operation.
    pub async fn query(&self, text: &str, variables: Value) -> Answer {
        self.send(self.post(), text, variables).await
    }

    /// Runs an operation under an idempotency key.
    pub async fn query_once(&self, key: &str, text: &str, variables: Value) -> Answer {
        self.send(self.post().header("idempotency-key", key), text, variables).await
    }

    async fn send(&self, request: RequestBuilder, text: &str, variables: Value) -> Answer {
        let request = request
            .header(ACCEPT, "application/graphql-response+json")
            .json(&json!({ "query": text, "variables": variables }));
        Answer::read(request.send().await.expect("the server answers")).await
    }

    /// Runs a mutation by its name and asks for everything that lies at the surface of its payload.
    pub async fn mutate(&self, name: &str, input: Value) -> Answer {
        self.query(&graph().mutation(name, ""), json!({ "input": input })).await
    }

    /// Runs a mutation by its name and asks for these fields beside user errors and cursor.
    pub async fn mutate_for(&self, name: &str, fields: &str, input: Value) -> Answer {
        self.query(&graph().mutation(name, fields), json!({ "input": input })).await
    }

    /// The object with the id as far as the client may see it: its type and its id, or null.
    pub async fn node(&self, id: &str) -> Value {
        let answer = self.query("query($id: ID!) { node(id: $id) { __typename id } }", json!({ "id": id })).await;
        answer.well().at("node").clone()
    }

    /// Opens a WebSocket that is ready for operations.
    pub async fn socket(&self) -> Socket {
        Socket::open(&self.websocket, self.token.as_deref()).await
    }
}
