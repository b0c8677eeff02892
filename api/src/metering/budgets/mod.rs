//! Budgets: what may be used in a calendar window, and what of it is used and reserved. PostgreSQL is the ledger: what a
//! call may cost is reserved in one statement over all of its budgets, and settled in another.
//! Invariant: what is used and reserved of a budget is what its reservations say, and the two together were below the
//! amount whenever a call was admitted.

mod graphql;
mod ledger;
mod letter;
mod looking;
mod rules;
mod store;
mod telling;
mod windows;

pub use graphql::{Budget, BudgetFilter, of_organization, of_project};
pub use ledger::{end, let_go, look_after, reserve};
pub use looking::look;
pub use rules::sees_what_is_left;
pub use store::check;
