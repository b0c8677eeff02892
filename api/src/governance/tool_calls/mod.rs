//! Governed calls of tools: the arguments fit the tool's schema, policies let it through, limits have room, secrets are put
//! in, the server is called over a connection that is kept, compliance looks at what came back, and the call is recorded
//! with what it used. Who leaves cancels the call.
//! Invariants: nothing is sent before the decision is made and everything it consumes is consumed; however a call ends,
//! what it held of its budgets is settled or released, and its end is recorded.

mod admitting;
mod beginning;
mod callee;
mod calling;
mod content;
mod fitting;
mod making;
mod mutations;
mod reaching;
mod refusal;
mod results;
mod subscription;
mod telling;
mod underway;

pub use beginning::record_unknown;
pub use calling::{Answer, Ended, Listener, NewCall, call, check_caller};
pub use mutations::ToolCallMutation;
pub use refusal::{McpCallErrorCode, Refusal};
pub use subscription::ToolCallSubscription;
