//! What mutations answer: payloads with the object, `userErrors` and `commitCursor`, built from a rule's result in one
//! place, and root fields that stand alone.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaType, Registry};
use async_graphql::resolver_utils::EnumType;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Object, ObjectType, OutputType, Positioned, ServerResult, TypeName,
    Value,
};
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::errors::{Error, Reached, Rejection, Result};
use super::request::RequestContext;
use super::write::{Committed, settle};

/// An expected "no" of a mutation, in the words of a domain's code enum.
#[derive(Clone, Debug)]
pub struct UserError<C> {
    field: Vec<String>,
    code: C,
    message: String,
    retry_after_seconds: Option<u32>,
    reached: Option<Reached>,
}

/// The codes of a domain: the enum that its user errors carry, and their GraphQL type name.
pub trait ErrorCode: EnumType + OutputType {
    const USER_ERROR: &'static str;
}

impl<C: ErrorCode> UserError<C> {
    /// The user error of a rejection. A code of another domain is a fault of ours.
    fn new(rejection: &Rejection) -> Result<Self> {
        let code = C::items()
            .iter()
            .find(|item| item.name == rejection.code)
            .ok_or_else(|| Error::internal(format!("{} is not a code of {}", rejection.code, C::USER_ERROR)))?;
        let field = match &*rejection.field {
            "" => Vec::new(),
            field => std::iter::once("input").chain(field.split('.')).map(str::to_owned).collect(),
        };
        Ok(Self {
            field,
            code: code.value,
            message: rejection.message.clone(),
            retry_after_seconds: rejection.retry_after_seconds,
            reached: rejection.reached,
        })
    }
}

impl<C: ErrorCode> TypeName for UserError<C> {
    fn type_name() -> Cow<'static, str> {
        C::USER_ERROR.into()
    }
}

/// Why a mutation changed nothing: which input field, a code to branch on, a sentence to show.
#[Object(name_type)]
impl<C: ErrorCode> UserError<C> {
    /// The path of the input field, such as ["input", "title"] or ["input", "rules", "access", "allowedTools[2]"]; empty when it is about the whole input.
    async fn field(&self) -> &[String] {
        &self.field
    }

    /// The kind of refusal, to branch on.
    async fn code(&self) -> C {
        self.code
    }

    /// A sentence for people, in English.
    async fn message(&self) -> &str {
        &self.message
    }

    /// After how many seconds trying again may help; null when it depends on something else.
    async fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// The limit that leaves no room, a whole number which may be above what an Int holds; null when it is about none.
    async fn limit(&self) -> Option<f64> {
        self.reached.map(|reached| reached.limit as f64)
    }

    /// How much of that limit is used; null when it is about none.
    async fn used(&self) -> Option<f64> {
        self.reached.map(|reached| reached.used as f64)
    }
}

/// What a mutation ended with: its object, or the reasons why not.
#[derive(Debug)]
pub struct Outcome<T, C> {
    pub object: Option<T>,
    pub user_errors: Vec<UserError<C>>,
    pub cursor: Option<String>,
}

impl<T, C: ErrorCode> Outcome<T, C> {
    /// Whether the mutation was refused with this code.
    pub fn refused_as(&self, code: C) -> bool {
        self.user_errors.iter().any(|error| error.code == code)
    }

    pub fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Outcome<U, C> {
        Outcome { object: self.object.map(wrap), user_errors: self.user_errors, cursor: self.cursor }
    }
}

impl<T: DeserializeOwned, C: ErrorCode> Outcome<T, C> {
    /// Expected refusals become user errors; every other error stays one. A repeated write gives its first outcome.
    pub fn of(result: Result<Committed<T>>) -> Result<Self> {
        match settle(result) {
            Ok(Committed { outcome, cursor }) => Ok(Self { object: Some(outcome), user_errors: Vec::new(), cursor }),
            Err(Error::Rejected(rejections)) => {
                let user_errors = rejections.iter().map(UserError::new).collect::<Result<_>>()?;
                Ok(Self { object: None, user_errors, cursor: None })
            }
            Err(error) => Err(error),
        }
    }
}

/// The fields of an object, each nullable, so that one that fails takes no other along. Mutations run one after the other,
/// each in its own transaction: what was committed is told, whatever happens to the next.
#[derive(Debug, Default)]
pub struct Independent<T>(pub T);

impl<T: ContainerType> ContainerType for Independent<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        // Boxed, or the futures of all mutations, one within the other, become a type too deep for the compiler.
        let resolving: BoxFuture<'_, ServerResult<Option<Value>>> = Box::pin(self.0.resolve_field(ctx));
        Ok(resolving.await.unwrap_or_else(|error| {
            ctx.add_error(error);
            Some(Value::Null)
        }))
    }
}

impl<T: OutputType> OutputType for Independent<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = T::create_type_info(registry);
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(&*Self::type_name()) {
            for field in fields.values_mut() {
                field.ty.truncate(field.ty.trim_end_matches('!').len());
            }
        }
        name
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

impl<T: ObjectType> ObjectType for Independent<T> {}

/// The fields of an object, for people alone: with an API key each of them is refused, whatever its scopes.
#[derive(Debug, Default)]
pub struct ForPeople<T> {
    object: T,
    names: OnceLock<HashSet<String>>,
}

impl<T: OutputType> ForPeople<T> {
    fn has(&self, field: &str) -> bool {
        let names = self.names.get_or_init(|| match Registry::default().create_fake_output_type::<T>() {
            MetaType::Object { fields, .. } => fields.into_keys().collect(),
            _ => HashSet::new(),
        });
        names.contains(field)
    }
}

impl<T: ContainerType> ContainerType for ForPeople<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        if ctx.request().viewer().key().is_some() && self.has(&ctx.item.node.name.node) {
            let refusal = async_graphql::Error::from(Error::Forbidden).into_server_error(ctx.item.pos);
            return Err(ctx.set_error_path(refusal));
        }
        let resolving: BoxFuture<'_, ServerResult<Option<Value>>> = Box::pin(self.object.resolve_field(ctx));
        resolving.await
    }
}

impl<T: OutputType> OutputType for ForPeople<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.object.resolve(ctx, field).await
    }
}

impl<T: ObjectType> ObjectType for ForPeople<T> {}

/// Declares the payload type of a mutation: one object field, `userErrors`, `commitCursor`.
#[macro_export]
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $object:ty, $code:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            $field: Option<$object>,
            /// Why nothing was changed; empty on success.
            user_errors: Vec<$crate::platform::payload::UserError<$code>>,
            /// Resume a subscription after this cursor to see only what came later. Null when nothing was changed.
            commit_cursor: Option<String>,
        }

        impl From<$crate::platform::payload::Outcome<$object, $code>> for $name {
            fn from(outcome: $crate::platform::payload::Outcome<$object, $code>) -> Self {
                Self {
                    $field: outcome.object,
                    user_errors: outcome.user_errors,
                    commit_cursor: outcome.cursor,
                }
            }
        }
    };
}
