//! Trellis: one typed graph for the workspaces where people write and the tools that work in them.
//!
//! In reading order: `commands` has what `main` can do, `app` builds what they share, `schema` merges the graph.
//! `platform` is the spine that every domain leans on. The domains: `identity` (who people are), `tenancy` (whose
//! things are), `content` (what they write), `governance` (the tools an AI may use), `audit` (what was done). A resource is a
//! folder of `graphql` (what a client sees), `rules` (what may happen) and `store` (how it is kept).

// The roots of the graph are merged one into the other, and their futures nest as deep.
#![recursion_limit = "256"]

pub mod app;
pub mod audit;
pub mod commands;
pub mod content;
pub mod demo;
pub mod governance;
pub mod identity;
pub mod metering;
pub mod platform;
pub mod schema;
pub mod tenancy;
