//! Approvals per use: somebody asks to call a tool once, with just these arguments, and somebody else answers. A call that
//! was decided `require_approval` asks with `ask`; when it comes again with an approval, `held` says whether the approval
//! is for just this call, and `consume` uses it up in the transaction of the call.
//! Invariants: who asked never answers; an approval is good for one call, before it expires; silence is a no.

mod asking;
mod binding;
mod events;
mod expiring;
mod filter;
mod graphql;
mod letters;
mod mutations;
mod rules;
mod store;
mod subscription;

pub use asking::{Asking, MOST_PENDING, ask_once};
pub use binding::{Call, Unfit, consume, held};
pub use expiring::expire_in_time;
pub use filter::ApprovalFilter;
pub use graphql::{Approval, of_organization, of_project};
pub use mutations::ApprovalMutation;
pub use subscription::ApprovalSubscription;
