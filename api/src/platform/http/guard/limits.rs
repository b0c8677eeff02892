//! How much one GraphQL document may ask for, and what is said to a client that asks for more.

use std::fmt;

use async_graphql::Pos;

/// The most that one document may hold. Every number is inclusive: a document that reaches it still passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of query text.
    pub query_bytes: u64,
    /// Lexical tokens in the query text; white space, commas and comments are free.
    pub tokens: u64,
    /// Open `(`, `[` and `{` at any one place of the text, and nested lists and objects in a variable's value.
    ///
    /// The parser needs up to 6.7 kB of stack per level in a debug build, so it aborts the process at 315 levels on
    /// a thread of 2 MiB; 50 levels take a sixth of that stack.
    pub bracket_depth: u64,
    /// Fields within fields, outside introspection; `{ a { b } }` has two.
    pub depth: u64,
    /// Fields within fields on a path that begins at `__schema` or `__type`.
    pub introspection_depth: u64,
    /// `fields`, `interfaces`, `possibleTypes` and `inputFields` within each other: each multiplies the answer by
    /// the size of the schema, and introspection for tools uses one.
    pub introspection_lists: u64,
    /// Selection sets within selection sets, counting fields, inline fragments and spreads alike.
    pub nesting: u64,
    /// Different response names for one field name, anywhere in the document.
    pub aliases_per_field: u64,
    /// Different response names at the root of the operation. A subscription has one, whatever this says.
    pub root_fields: u64,
    /// Directives in the document.
    pub directives: u64,
    /// Directives at one place of the document.
    pub directives_per_place: u64,
    /// Fields once every fragment is written out where it is spread.
    pub expanded_fields: u64,
    /// Bytes of arguments once every fragment is written out: what the document then holds beside its fields.
    pub expanded_bytes: u64,
    /// Cost of the operation: one per field, times the length of every list that it is in.
    pub cost: u64,
    /// The length that is assumed of a page whose `first` or `last` is not known.
    pub page_maximum: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_bytes: 64 * 1024,
            tokens: 2_000,
            bracket_depth: 50,
            depth: 15,
            introspection_depth: 20,
            introspection_lists: 2,
            nesting: 50,
            aliases_per_field: 30,
            root_fields: 20,
            directives: 50,
            directives_per_place: 5,
            expanded_fields: 5_000,
            expanded_bytes: 1024 * 1024,
            cost: 10_000,
            page_maximum: 100,
        }
    }
}

/// Which limit a document broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    QueryTooLarge,
    TooManyTokens,
    BracketsTooDeep,
    UnterminatedString,
    FragmentCycle,
    TypenameIsLeaf,
    FieldsConflict,
    TooDeep,
    IntrospectionTooDeep,
    NestingTooDeep,
    TooManyAliases,
    TooManyRootFields,
    TooManyDirectives,
    TooManyFields,
    CostExceeded,
    VariablesTooDeep,
}

impl RefusalCode {
    /// The name that clients and logs see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueryTooLarge => "QUERY_TOO_LARGE",
            Self::TooManyTokens => "TOO_MANY_TOKENS",
            Self::BracketsTooDeep => "BRACKETS_TOO_DEEP",
            Self::UnterminatedString => "UNTERMINATED_STRING",
            Self::FragmentCycle => "FRAGMENT_CYCLE",
            Self::TypenameIsLeaf => "TYPENAME_IS_LEAF",
            Self::FieldsConflict => "FIELDS_CONFLICT",
            Self::TooDeep => "TOO_DEEP",
            Self::IntrospectionTooDeep => "INTROSPECTION_TOO_DEEP",
            Self::NestingTooDeep => "NESTING_TOO_DEEP",
            Self::TooManyAliases => "TOO_MANY_ALIASES",
            Self::TooManyRootFields => "TOO_MANY_ROOT_FIELDS",
            Self::TooManyDirectives => "TOO_MANY_DIRECTIVES",
            Self::TooManyFields => "TOO_MANY_FIELDS",
            Self::CostExceeded => "COST_EXCEEDED",
            Self::VariablesTooDeep => "VARIABLES_TOO_DEEP",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a document is not let in: a sentence for the client, and the same as data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub code: RefusalCode,
    /// A sentence that names the limit, what was asked for, and the place.
    pub message: String,
    /// Where in the query text; `None` when it is the whole of it.
    pub position: Option<Pos>,
    pub limit: u64,
    /// What the document asked for. Counting stops at the limit where more would be work, so this can be
    /// the first number over it.
    pub actual: u64,
}

impl Refusal {
    /// `what` is a clause such as "The query nests fields 40 deep"; the limit and the place are added to it.
    pub(super) fn over(
        code: RefusalCode,
        what: impl fmt::Display,
        position: Option<Pos>,
        limit: u64,
        actual: u64,
    ) -> Self {
        let place = match position {
            Some(position) => {
                format!(" (line {}, column {})", position.line, position.column)
            }
            None => String::new(),
        };
        Self { code, message: format!("{what}; the limit is {limit}{place}."), position, limit, actual }
    }
}
