//! A schema of two interfaces, two unions, connections and a subscription, whose data follows from numbers, so that
//! the reference can say what it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Context, EmptyMutation, ID, Interface, Object, Schema, SimpleObject, Subscription, Union};
use futures_util::{Stream, stream};

pub type Graph = Schema<Query, EmptyMutation, Changes>;

/// How often the resolver of `Document.owner` ran; data of a request that wants to know.
#[derive(Clone, Default)]
pub struct OwnerCalls(pub Arc<AtomicUsize>);

pub fn schema() -> Graph {
    Schema::new(Query, EmptyMutation, Changes)
}

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub enum Node {
    Document(Document),
    User(User),
    Bot(Bot),
}

#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "ID"),
    field(name = "name", ty = "String"),
    field(name = "favorite", ty = "Document")
)]
pub enum Actor {
    User(User),
    Bot(Bot),
}

/// Documents and users.
#[derive(Union)]
pub enum Hit {
    Document(Document),
    User(User),
}

/// Everything there is.
#[derive(Union)]
pub enum Thing {
    Document(Document),
    User(User),
    Bot(Bot),
}

pub struct Document(pub u32);
pub struct User(pub u32);
pub struct Bot(pub u32);

pub fn node(number: u32) -> Node {
    match number % 3 {
        0 => Node::Document(Document(number)),
        1 => Node::User(User(number)),
        _ => Node::Bot(Bot(number)),
    }
}

fn actor(number: u32) -> Actor {
    if number.is_multiple_of(2) { Actor::User(User(number)) } else { Actor::Bot(Bot(number)) }
}

#[Object]
impl Document {
    async fn id(&self) -> ID {
        ID(format!("Document{}", self.0))
    }

    async fn title(&self, upper: Option<bool>) -> String {
        let title = format!("title {}", self.0);
        if upper == Some(true) { title.to_uppercase() } else { title }
    }

    async fn owner(&self, ctx: &Context<'_>) -> Actor {
        if let Ok(calls) = ctx.data::<OwnerCalls>() {
            calls.0.fetch_add(1, Ordering::Relaxed);
        }
        actor(self.0 + 1)
    }

    async fn related(&self) -> Vec<Thing> {
        let thing = |number| match node(number) {
            Node::Document(document) => Thing::Document(document),
            Node::User(user) => Thing::User(user),
            Node::Bot(bot) => Thing::Bot(bot),
        };
        vec![thing(self.0 + 1), thing(self.0 + 2)]
    }
}

#[Object]
impl User {
    async fn id(&self) -> ID {
        ID(format!("User{}", self.0))
    }

    async fn name(&self) -> String {
        format!("user {}", self.0)
    }

    async fn favorite(&self) -> Document {
        Document(self.0 + 1)
    }

    async fn email(&self) -> String {
        format!("{}@example.org", self.0)
    }
}

#[Object]
impl Bot {
    async fn id(&self) -> ID {
        ID(format!("Bot{}", self.0))
    }

    async fn name(&self) -> String {
        format!("bot {}", self.0)
    }

    async fn favorite(&self) -> Document {
        Document(self.0 + 2)
    }

    async fn version(&self) -> u32 {
        self.0
    }
}

#[derive(SimpleObject)]
pub struct PageInfo {
    has_next_page: bool,
}

#[derive(SimpleObject)]
pub struct DocumentEdge {
    cursor: String,
    node: Document,
}

pub struct DocumentConnection;

#[Object]
impl DocumentConnection {
    async fn nodes(&self) -> Vec<Document> {
        Vec::new()
    }

    async fn edges(&self) -> Vec<DocumentEdge> {
        Vec::new()
    }

    async fn page_info(&self) -> PageInfo {
        PageInfo { has_next_page: false }
    }
}

pub struct Query;

#[Object]
impl Query {
    async fn document(&self, number: Option<u32>) -> Document {
        Document(number.unwrap_or(0))
    }

    async fn node(&self, number: Option<u32>) -> Node {
        node(number.unwrap_or(0))
    }

    async fn nodes(&self, ids: Vec<String>) -> Vec<Node> {
        ids.iter().map(|_| node(0)).collect()
    }

    async fn hits(&self) -> Vec<Hit> {
        vec![Hit::Document(Document(3)), Hit::User(User(4))]
    }

    async fn documents(&self, first: Option<u32>, last: Option<u32>) -> DocumentConnection {
        let _ = (first, last);
        DocumentConnection
    }

    async fn recent(&self, #[graphql(default = 20)] first: u32) -> DocumentConnection {
        let _ = first;
        DocumentConnection
    }

    async fn names(&self, first: Option<u32>) -> Vec<User> {
        let _ = first;
        Vec::new()
    }
}

pub struct Changes;

#[Subscription]
impl Changes {
    async fn changed(&self) -> impl Stream<Item = Document> {
        stream::iter([Document(1)])
    }

    async fn removed(&self) -> impl Stream<Item = Document> {
        stream::iter([Document(2)])
    }
}
