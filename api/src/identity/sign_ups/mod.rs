//! Signing up by mail: nobody but the owner of an address learns whether it has an account. The answer is the same for
//! every address, and so is what is done for it; a task beside the requests finds out which letter to send. The account
//! is made when the link is followed, with the password of the sign-up that the link is of, which has to be given again.

mod answering;
mod rules;
mod store;

pub use answering::answer_sign_ups;
pub use rules::{Waiting, ask, prove, redeem};

use crate::platform::sealing::SealedColumn;

/// Where the particulars of new accounts wait.
pub const ACCOUNT: SealedColumn = SealedColumn { table: "identity.sign_ups", column: "account_secret" };
