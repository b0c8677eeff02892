//! The one test binary: the real server over HTTP, on real PostgreSQL and Redis. `support` is the harness, the domains
//! have a folder each, and `access`, `schema`, `tidy` and `migrations` hold what concerns all of them.

// The roots of the graph are merged one into the other, and their futures nest as deep.
#![recursion_limit = "256"]

mod access;
mod audit;
mod content;
mod faults;
mod governance;
mod identity;
mod metering;
mod migrations;
mod platform;
mod schema;
mod support;
mod tenancy;
mod tidy;
