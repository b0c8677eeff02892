//! One newtype for each kind of id, and `AnyId` for code that takes any of them.
//! The database sees a uuid; people and clients see TypeID text such as `doc_01jz8k3v5xe0q9t2m7c4b6h1ry`.

use std::{fmt, str::FromStr};

use async_graphql::{
    ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $kind:ident $prefix:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType)]
            #[sea_orm(try_getable_array)]
            pub struct $name(pub Uuid);

            impl $name {
                /// What the text of such an id begins with, without the underscore.
                pub const PREFIX: &'static str = $prefix;

                pub const fn uuid(self) -> Uuid {
                    self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write_id(formatter, Self::PREFIX, self.0)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(self, formatter)
                }
            }

            impl FromStr for $name {
                type Err = ParseIdError;

                fn from_str(text: &str) -> Result<Self, ParseIdError> {
                    let suffix = text
                        .strip_prefix(concat!($prefix, "_"))
                        .ok_or_else(|| ParseIdError::prefix(Self::PREFIX, text))?;
                    decode(suffix).map(Self).ok_or(ParseIdError::Suffix { expected: Self::PREFIX })
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                }
            }

            impl TryFromU64 for $name {
                fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                    Err(DbErr::ConvertFromU64(stringify!($name)))
                }
            }

            impl From<Uuid> for $name {
                fn from(uuid: Uuid) -> Self {
                    Self(uuid)
                }
            }

            impl From<$name> for Uuid {
                fn from(id: $name) -> Self {
                    id.0
                }
            }

            impl From<$name> for AnyId {
                fn from(id: $name) -> Self {
                    Self::$kind(id)
                }
            }

            graphql_id!($name);
        )+

        /// An id of any kind, as `node(id:)` takes it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum AnyId {
            $($(#[$doc])* $kind($name),)+
        }

        impl AnyId {
            /// Every prefix there is, in the order of the variants.
            pub const PREFIXES: &'static [&'static str] = &[$($prefix),+];

            pub const fn prefix(self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $name::PREFIX,)+
                }
            }

            pub const fn uuid(self) -> Uuid {
                match self {
                    $(Self::$kind(id) => id.0,)+
                }
            }
        }

        impl FromStr for AnyId {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                match text.rsplit_once('_').map(|(prefix, _)| prefix) {
                    $(Some($prefix) => text.parse().map(Self::$kind),)+
                    _ => Err(ParseIdError::unknown(text)),
                }
            }
        }
    };
}

macro_rules! graphql_id {
    ($name:ident) => {
        impl InputType for $name {
            type RawValueType = Self;

            fn type_name() -> std::borrow::Cow<'static, str> {
                <ID as InputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as InputType>::create_type_info(registry)
            }

            fn parse(value: Option<Value>) -> InputValueResult<Self> {
                match value.unwrap_or_default() {
                    Value::String(text) => text.parse().map_err(InputValueError::custom),
                    other => Err(InputValueError::expected_type(other)),
                }
            }

            fn to_value(&self) -> Value {
                Value::String(self.to_string())
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
        }

        impl OutputType for $name {
            fn type_name() -> std::borrow::Cow<'static, str> {
                <ID as OutputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as OutputType>::create_type_info(registry)
            }

            async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
                Ok(Value::String(self.to_string()))
            }
        }
    };
}

ids! {
    /// A person who signs in.
    UserId User "user";
    /// One sign-in on one device.
    SessionId Session "ses";
    /// A user's account at another identity provider.
    OauthConnectionId OauthConnection "oac";
    /// Somebody is on the way to an identity provider.
    OpenIdJourneyId OpenIdJourney "oij";
    /// A second factor of a user.
    MfaFactorId MfaFactor "mfa";
    /// A one-time code that replaces a lost second factor.
    RecoveryCodeId RecoveryCode "rcv";
    /// Somebody owes the second factor.
    SignInChallengeId SignInChallenge "sic";
    /// Somebody signed up and has yet to follow a link.
    SignUpId SignUp "sup";
    /// Somebody asked to reset a password.
    PasswordResetRequestId PasswordResetRequest "prr";
    /// A link sent by mail, such as the one that verifies an address.
    VerificationTokenId VerificationToken "vft";
    /// An organization.
    OrganizationId Organization "org";
    /// A user's membership of an organization.
    MemberId Member "mem";
    /// An invitation to an organization.
    InvitationId Invitation "inv";
    /// A team of an organization.
    TeamId Team "team";
    /// A user's membership of a team.
    TeamMemberId TeamMember "tmm";
    /// A project of an organization.
    ProjectId Project "prj";
    /// A user's or a team's role in a project.
    ProjectMemberId ProjectMember "prm";
    /// A space, personal or of an organization.
    SpaceId Space "spc";
    /// A user's or a team's role in a space.
    SpaceMemberId SpaceMember "spm";
    /// A request to join a space.
    JoinRequestId JoinRequest "jrq";
    /// A subscription to a plan.
    SubscriptionId Subscription "sub";
    /// A document or a note.
    DocumentId Document "doc";
    /// A tag of a space.
    TagId Tag "tag";
    /// A key of a project or of a person.
    ApiKeyId ApiKey "key";
    /// A secret of a project.
    SecretId Secret "sec";
    /// A server of tools.
    McpServerId McpServer "mcp";
    /// A version of how a server of tools is reached.
    McpServerVersionId McpServerVersion "mcv";
    /// One connection to a server of tools.
    McpDiscoveryId McpDiscovery "mcd";
    /// A tool of a server.
    McpToolId McpTool "tool";
    /// A scan of a server of tools.
    McpScanId McpScan "scan";
    /// A call of a tool.
    McpCallId McpCall "call";
    /// What a scan found.
    McpFindingId McpFinding "fnd";
    /// A policy.
    PolicyId Policy "pol";
    /// A version of a policy.
    PolicyVersionId PolicyVersion "plv";
    /// A draft of policies, tried on decisions.
    PolicySimulationId PolicySimulation "sim";
    /// A decision about a call.
    DecisionId Decision "dec";
    /// A request to call a tool once.
    ApprovalId Approval "apr";
    /// A limit in one window.
    BudgetId Budget "bud";
    /// What a call holds of a budget.
    ReservationId Reservation "rsv";
    /// An entry of the audit log.
    AuditLogId AuditLog "aud";
    /// An event in the feed.
    EventId Event "evt";
}

graphql_id!(AnyId);

impl fmt::Display for AnyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(formatter, self.prefix(), self.uuid())
    }
}

impl fmt::Debug for AnyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Why a text is not an id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseIdError {
    /// The text does not begin with the prefix of the expected kind; `found` is its beginning.
    Prefix { expected: &'static str, found: String },
    /// The prefix is right, and what follows is not 26 characters of base 32 below 2^128.
    Suffix { expected: &'static str },
    /// No kind of id has this prefix; `found` is the beginning of the text.
    Unknown { found: String },
}

impl ParseIdError {
    fn prefix(expected: &'static str, text: &str) -> Self {
        Self::Prefix { expected, found: beginning(text) }
    }

    fn unknown(text: &str) -> Self {
        Self::Unknown { found: beginning(text) }
    }
}

/// Enough of a text to recognise it in a message, whatever its length.
fn beginning(text: &str) -> String {
    text.chars().take(32).collect()
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { expected, found } => {
                write!(formatter, "expected an id that begins with \"{expected}_\", found {found:?}")
            }
            Self::Suffix { expected } => {
                write!(formatter, "expected \"{expected}_\" followed by 26 characters of lower-case base 32")
            }
            Self::Unknown { found } => write!(formatter, "no kind of id begins like {found:?}"),
        }
    }
}

impl std::error::Error for ParseIdError {}

/// Crockford's base 32, in the lower case of TypeID 0.3: https://github.com/jetify-com/typeid.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LENGTH: usize = 26;
const NOT_A_DIGIT: u8 = u8::MAX;

const VALUES: [u8; 256] = {
    let mut values = [NOT_A_DIGIT; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        values[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

fn write_id(formatter: &mut fmt::Formatter<'_>, prefix: &str, uuid: Uuid) -> fmt::Result {
    let mut suffix = [0; SUFFIX_LENGTH];
    let mut bits = uuid.as_u128();
    for digit in suffix.iter_mut().rev() {
        *digit = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    formatter.write_str(prefix)?;
    formatter.write_str("_")?;
    formatter.write_str(std::str::from_utf8(&suffix).expect("Invariant: the alphabet is ASCII"))
}

fn decode(suffix: &str) -> Option<Uuid> {
    let digits = suffix.as_bytes();
    // 26 digits hold 130 bits, so a first digit above 7 would not fit into 128.
    if digits.len() != SUFFIX_LENGTH || digits[0] > b'7' {
        return None;
    }
    digits
        .iter()
        .try_fold(0u128, |bits, digit| match VALUES[usize::from(*digit)] {
            NOT_A_DIGIT => None,
            value => Some(bits << 5 | u128::from(value)),
        })
        .map(Uuid::from_u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        for uuid in [Uuid::nil(), Uuid::max(), Uuid::now_v7(), Uuid::from_u128(1 << 127)] {
            let id = DocumentId(uuid);
            let text = id.to_string();
            assert_eq!(text.len(), "doc_".len() + SUFFIX_LENGTH);
            assert_eq!(text.parse(), Ok(id));
            assert_eq!(text.parse(), Ok(AnyId::Document(id)));
            assert_eq!(AnyId::from(id).to_string(), text);
        }
    }

    #[test]
    fn the_text_is_that_of_the_typeid_specification() {
        let uuid = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        assert_eq!(TagId(uuid).to_string(), "tag_01h455vb4pex5vsknk084sn02q");
        assert_eq!(TagId(Uuid::max()).to_string(), "tag_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    #[test]
    fn ids_sort_as_their_text_does() {
        let earlier = UserId(Uuid::from_u128(41));
        let later = UserId(Uuid::from_u128(1 << 90));
        assert!(earlier < later && earlier.to_string() < later.to_string());
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_the_expected_prefix() {
        let tag = TagId(Uuid::nil()).to_string();
        let error = tag.parse::<DocumentId>().unwrap_err();
        assert_eq!(error, ParseIdError::Prefix { expected: "doc", found: tag });
        assert!(error.to_string().contains("\"doc_\""));
    }

    #[test]
    fn a_suffix_that_is_no_uuid_is_refused() {
        for text in [
            "doc_",
            "doc_01h455vb4pex5vsknk084sn02",
            "doc_01h455vb4pex5vsknk084sn02qq",
            "doc_01H455VB4PEX5VSKNK084SN02Q",
            "doc_01h455vb4pex5vsknk084sn02u",
            "doc_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "doc_zzzzzzzzzzzzzzzzzzzzzzzzzz",
            "doc_01h455vb4pex5vsknk084sn0é",
        ] {
            let error = Err(ParseIdError::Suffix { expected: "doc" });
            assert_eq!(text.parse::<DocumentId>(), error, "{text}");
        }
    }

    #[test]
    fn an_unknown_prefix_is_refused() {
        for text in ["", "_", "docs_01h455vb4pex5vsknk084sn02q", "01h455vb4pex5vsknk084sn02q"] {
            assert!(matches!(text.parse::<AnyId>(), Err(ParseIdError::Unknown { .. })), "{text}");
        }
    }

    #[test]
    fn prefixes_are_unique() {
        let mut prefixes = AnyId::PREFIXES.to_vec();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), AnyId::PREFIXES.len());
    }

    #[test]
    fn json_and_graphql_carry_the_text() {
        let id = SpaceId(Uuid::now_v7());
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<SpaceId>(&json).unwrap(), id);

        let value = InputType::to_value(&id);
        assert_eq!(value, Value::String(id.to_string()));
        assert_eq!(<SpaceId as InputType>::parse(Some(value)).ok(), Some(id));
        assert_eq!(<SpaceId as InputType>::type_name(), "ID");
    }
}
