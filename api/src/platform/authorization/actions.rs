//! The actions that can be granted, and sets of them.

use async_graphql::Enum;

/// Something a viewer may be allowed to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum)]
pub enum Action {
    /// See it.
    Read,
    /// Comment on it.
    Comment,
    /// Change its content and properties.
    Edit,
    /// Publish it, or take it back to draft.
    Publish,
    /// Archive it, or bring it back from the archive.
    Archive,
    /// Move it, or give it another place among its siblings.
    Move,
    /// Change who may see it.
    Share,
    /// Put it into the trash.
    Trash,
    /// Take it out of the trash.
    Restore,
    /// Delete it for good.
    Delete,
    /// Create documents and notes in it.
    CreateDocuments,
    /// Create, change and delete the tags of it.
    ManageTags,
    /// Add and remove its members and change their roles.
    ManageMembers,
    /// See who its members are.
    ReadMembers,
    /// Create spaces in it.
    CreateSpaces,
    /// Create projects in it.
    CreateProjects,
    /// Create teams in it and choose their members.
    ManageTeams,
    /// Read its audit log.
    ReadAudit,
    /// Give it to another owner, and change its billing.
    Transfer,
    /// Choose the identity provider by which its members sign in.
    ManageSignIn,
    /// Leave it.
    Leave,
    /// Attach spaces to it.
    AttachSpaces,
    /// Register tool servers in it.
    RegisterServers,
    /// Submit it for approval.
    Submit,
    /// Call its tools, as policies decide.
    CallTools,
    /// Approve or deny it.
    Decide,
    /// Create policies for it, and try drafts of them on what was decided.
    ManagePolicies,
    /// Take it back.
    Withdraw,
    /// Create API keys of it.
    CreateKeys,
    /// Replace it by a new one, with a new secret.
    Rotate,
    /// End it before its time.
    Revoke,
    /// See the names of its secrets.
    ReadSecrets,
    /// Set, change and delete its secrets.
    ManageSecrets,
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionSet(u64);

impl ActionSet {
    pub const NONE: ActionSet = ActionSet(0);
    pub const ALL: ActionSet = ActionSet(u64::MAX);

    pub const fn of(actions: &[Action]) -> Self {
        let mut bits = 0_u64;
        let mut index = 0;
        while index < actions.len() {
            bits |= 1 << actions[index] as u64;
            index += 1;
        }
        Self(bits)
    }

    pub const fn contains(self, action: Action) -> bool {
        self.0 & (1 << action as u64) != 0
    }

    #[must_use]
    pub const fn and(self, other: ActionSet) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn without(self, other: ActionSet) -> Self {
        Self(self.0 & !other.0)
    }

    #[must_use]
    pub const fn only(self, other: ActionSet) -> Self {
        Self(self.0 & other.0)
    }

    /// The actions in the order of the enum.
    pub fn actions(self) -> Vec<Action> {
        use async_graphql::resolver_utils::EnumType;
        Action::items().iter().map(|item| item.value).filter(|action| self.contains(*action)).collect()
    }
}
