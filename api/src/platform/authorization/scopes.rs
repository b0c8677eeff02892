//! What API keys may be limited to: a closed list of `resource:action`. Which rows and actions a scope covers stands with
//! each resource (`Resource::SCOPES`), beside the table of its roles.

use async_graphql::Enum;
use async_graphql::resolver_utils::EnumType;

use super::ActionSet;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident $text:literal;)+) => {
        /// What an API key may be used for, as far as its creator may do it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum)]
        #[graphql(name = "ApiKeyScope")]
        pub enum Scope {
            $($(#[$doc])* $name,)+
        }

        impl Scope {
            /// As it is stored and written: `resource:action`.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// None for a scope that there is not, or not any more.
            pub fn of_text(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

scopes! {
    /// Read the account of the creator: name, address, time zone. Only with a personal key.
    ProfileRead "profile:read";
    /// Read organizations: their names and settings.
    OrganizationsRead "organizations:read";
    /// Change the properties and settings of organizations.
    OrganizationsWrite "organizations:write";
    /// Read who is in organizations, teams, projects and spaces.
    MembersRead "members:read";
    /// Invite and remove people, change their roles, and manage teams.
    MembersWrite "members:write";
    /// Read projects and their settings.
    ProjectsRead "projects:read";
    /// Create, change and delete projects.
    ProjectsWrite "projects:write";
    /// Read spaces, not what is in them.
    SpacesRead "spaces:read";
    /// Create, change, archive and delete spaces.
    SpacesWrite "spaces:write";
    /// Read documents, notes and tags, and the names of the spaces that they are in.
    DocumentsRead "documents:read";
    /// Read, create, change, move, publish, archive and trash documents, notes and tags.
    DocumentsWrite "documents:write";
    /// Read documents and change who may.
    DocumentsShare "documents:share";
    /// Read documents, and delete them for good.
    DocumentsDelete "documents:delete";
    /// Read the audit log.
    AuditRead "audit:read";
    /// Read which API keys there are, never their secrets. Keys are made and ended by people alone.
    KeysRead "keys:read";
    /// Read the names of a project's secrets, never their values.
    SecretsRead "secrets:read";
    /// Set, change and delete the secrets of a project. Nobody can read their values.
    SecretsWrite "secrets:write";
    /// Read MCP servers and their tools, versions, discoveries and scans.
    ToolsRead "tools:read";
    /// Register, change, discover and submit MCP servers. They are approved by people alone.
    ToolsWrite "tools:write";
    /// Read MCP servers and call their tools, as policies decide.
    ToolsCall "tools:call";
    /// Read policies.
    PoliciesRead "policies:read";
    /// Write, simulate and enforce policies.
    PoliciesWrite "policies:write";
    /// Read decisions and what explains them.
    DecisionsRead "decisions:read";
    /// Read requests for approval.
    ApprovalsRead "approvals:read";
    /// Ask for approval, and answer the requests of others.
    ApprovalsWrite "approvals:write";
    /// Read what was used, what it cost, and what is left of limits and budgets.
    UsageRead "usage:read";
}

impl Scope {
    /// Whether it is for more than reading.
    const fn writes(self) -> bool {
        let text = self.text().as_bytes();
        !matches!(text, [.., b':', b'r', b'e', b'a', b'd'])
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(u64);

impl ScopeSet {
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u64) != 0
    }

    /// The scopes in the order of the list.
    pub fn scopes(self) -> impl Iterator<Item = Scope> {
        Scope::items().iter().map(|item| item.value).filter(move |scope| self.contains(*scope))
    }

    /// The scopes behind stored texts. One that there is not any more allows nothing.
    pub fn of_texts(texts: &[String]) -> Self {
        texts.iter().filter_map(|text| Scope::of_text(text)).collect()
    }

    /// What the scopes allow of a resource's table together.
    pub fn allow(self, table: &[(Scope, ActionSet)]) -> ActionSet {
        let held = table.iter().filter(|(scope, _)| self.contains(*scope));
        held.fold(ActionSet::NONE, |allowed, (_, actions)| allowed.and(*actions))
    }

    /// Whether anything but reading is among them.
    pub fn may_write(self) -> bool {
        self.scopes().any(Scope::writes)
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::authorization::Action;

    #[test]
    fn every_scope_is_resource_and_action_and_survives_its_text() {
        for item in Scope::items() {
            let text = item.value.text();
            assert_eq!(Scope::of_text(text), Some(item.value));
            let (resource, action) = text.split_once(':').expect("a resource and an action");
            assert_eq!(item.name, format!("{resource}_{action}").to_uppercase());
            assert_eq!(item.value.writes(), action != "read", "{text}");
        }
        assert!(Scope::items().len() <= 64);
    }

    #[test]
    fn a_set_allows_what_its_scopes_allow_and_nothing_else() {
        const READ: ActionSet = ActionSet::of(&[Action::Read]);
        const EDIT: ActionSet = ActionSet::of(&[Action::Read, Action::Edit]);
        let table = [(Scope::DocumentsRead, READ), (Scope::DocumentsWrite, EDIT)];
        let allowed = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            ScopeSet::of_texts(&texts).allow(&table)
        };
        assert_eq!(allowed(&[]), ActionSet::NONE);
        assert_eq!(allowed(&["documents:everything", "tools:call"]), ActionSet::NONE);
        assert_eq!(allowed(&["documents:read"]), READ);
        assert_eq!(allowed(&["documents:read", "documents:write"]), EDIT);
    }
}
