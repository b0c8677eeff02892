//! Being an MCP server over streamable HTTP, in both eras of the protocol and without sessions: how a message is read,
//! which era it is of, and how an answer looks in it. What is answered is for others to know.

mod answers;
mod events;
mod messages;
mod origins;
mod standing;

pub use answers::{ServerInfo, accepted, answer, error_answer, error_body, plain_error};
pub use events::{Progressing, stream};
pub use messages::{Fault, Incoming, RequestId, codes};
pub use origins::is_allowed;
pub use standing::{Spoken, check_name, check_parameters};
