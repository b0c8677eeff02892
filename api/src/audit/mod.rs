//! The audit log: what was done, by whom and from where. Triggers write it, in the transaction of what they record, and
//! nothing changes it. An entry is an organization's, for its owners and admins; or a person's own.
//! Invariant: values of content are shown only to those who may read that content now.

mod changes;
mod filter;
mod graphql;
mod resources;
mod rules;
mod store;
mod subscription;

pub use filter::AuditFilter;
pub use graphql::{AuditEntry, of_organization, of_user};
pub use subscription::AuditSubscription;
