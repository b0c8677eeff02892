//! The tables, one module each, in a folder per domain that is also the PostgreSQL schema: columns and relations only.
//! `ids` has a type for each kind of id, `enums` one for each enumeration, `secret` the columns nobody may see.
//! Rules live in `api`, the schema itself in `migration`. Left out of the models: `document_contents.search_vector`
//! and `outbox.xid`, which only SQL reads.

#![expect(clippy::disallowed_methods, reason = "SeaORM's derives call them; the doors are in the server")]

pub mod enums;
pub mod ids;
pub mod secret;

pub mod audit;
pub mod content;
pub mod governance;
pub mod identity;
pub mod metering;
pub mod platform;
pub mod tenancy;
