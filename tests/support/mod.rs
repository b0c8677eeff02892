//! The harness: `World` is a running server over a database of its own, in which a small cast of people already
//! lives; `Client` is one of them with a connection; `Answer` is what the server said.

mod answer;
pub mod authenticator;
mod client;
mod database;
mod fixtures;
mod graph;
mod mail;
pub mod mcp;
mod people;
mod process;
pub mod provider;
mod server;
pub mod socket;
mod timing;
mod tools;
mod waiting;
mod wire;
mod world;

pub use answer::{Answer, reasons};
pub use client::Client;
pub use database::{Database, Digest, environment};
pub use fixtures::{new_id, now, typed, uuid};
pub use graph::{base, graph};
pub use mail::MailServer;
pub use process::{Process, Program, free_port};
pub use provider::IdentityProvider;
pub use server::{Server, defaults};
pub use socket::Socket;
pub use timing::{alike, times};
pub use waiting::{eventually, within};
pub use wire::Wire;
pub use world::{PASSWORD, World};
