//! Whom a role is given to, as a client names them: a person by id or e-mail address, or a team by its id.

use entity::ids::{TeamId, UserId};

use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::tenancy::TenancyErrorCode as Code;

/// A person, as a client names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    Id(UserId),
    Email(String),
}

impl Person {
    /// Takes exactly one of the two names.
    pub fn named(id: Option<UserId>, email: Option<String>) -> Result<Self> {
        match (id, email) {
            (Some(id), None) => Ok(Self::Id(id)),
            (None, Some(email)) => Ok(Self::Email(checks::email("email", &email, Code::EmailInvalid)?)),
            (None, None) | (Some(_), Some(_)) => Err(Error::bad_input("userId", "Give userId or email, one of them.")),
        }
    }

    /// The input field that names the person.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Id(_) => "userId",
            Self::Email(_) => "email",
        }
    }
}

/// Who holds a role in a space or a project: a person or a team, never both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantee {
    User(UserId),
    Team(TeamId),
}

impl Grantee {
    pub fn user_id(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Team(_) => None,
        }
    }

    pub fn team_id(self) -> Option<TeamId> {
        match self {
            Self::User(_) => None,
            Self::Team(id) => Some(id),
        }
    }
}
