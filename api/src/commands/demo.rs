//! `trellis demo`.

use clap::Args;

use super::Failure;
use crate::platform::config::Stores;

/// Fill the database with a believable company to try things on.
#[derive(Args, Debug)]
pub struct DemoArguments {
    #[command(flatten)]
    stores: Stores,
}

/// Loads the demo data.
pub async fn demo(_arguments: DemoArguments) -> Result<(), Failure> {
    Ok(())
}
