//! How somebody came in. An organization with enforced single sign-on grants what it grants to those only whom its own
//! provider let in, with an address of its domains.

use sea_orm::Value;
use serde::{Deserialize, Serialize};

/// A provider's word on who holds a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vouched {
    /// The id of the provider.
    pub provider: String,
    /// The domain of the address that it vouched for, in lower case; none when it vouched for no address.
    pub domain: Option<String>,
}

/// How somebody came in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entrance {
    /// By a session, with the word of the provider through which it was opened, if it was.
    Session(Option<Vouched>),
    /// The operator acts in their name, with every right they have.
    Operator,
}

impl Entrance {
    /// What the columns of a session say.
    pub fn of_session(provider: Option<String>, domain: Option<String>) -> Self {
        Self::Session(provider.map(|provider| Vouched { provider, domain }))
    }

    /// Whether an organization that lets in only whom this provider vouches for, with an address of these domains, lets
    /// this viewer in.
    /// Invariant: what the query of the grants says.
    pub fn satisfies(&self, provider: &str, domains: &[String]) -> bool {
        match self {
            Self::Operator => true,
            Self::Session(None) => false,
            Self::Session(Some(vouched)) => {
                vouched.provider == provider && vouched.domain.as_ref().is_some_and(|domain| domains.contains(domain))
            }
        }
    }

    /// Whether it is the operator, the provider and the domain: as the query of the grants takes them.
    pub(super) fn values(&self) -> [Value; 3] {
        match self {
            Self::Operator => [true.into(), None::<String>.into(), None::<String>.into()],
            Self::Session(None) => [false.into(), None::<String>.into(), None::<String>.into()],
            Self::Session(Some(vouched)) => {
                [false.into(), vouched.provider.clone().into(), vouched.domain.clone().into()]
            }
        }
    }
}
