//! Objects resolved with less ado than the engine has for each field, for the objects that lists are made of.
//! What answers at once, as most fields do, is done with at its first poll; only the rest becomes futures that run
//! together.
//! What is not plain (directives, fragments of other types) is left to the engine; the answers are the same.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::resolve_container;
use async_graphql::{ContainerType, ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};
use futures_util::future::{BoxFuture, try_join_all};

/// An object that is resolved by this module.
#[derive(Clone, Copy, Debug)]
pub struct Lean<T>(pub T);

impl<T: ContainerType> OutputType for Lean<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        // Boxed once for the object, because lists move the futures of their items; and with its type hidden,
        // because objects that hold each other would have an endless one.
        let resolving: BoxFuture<'_, ServerResult<Value>> = Box::pin(resolve_object(ctx, &self.0));
        resolving.await
    }
}

type Later<'a> = Pin<Box<dyn Future<Output = ServerResult<(usize, Value)>> + Send + 'a>>;

async fn resolve_object<'a, T: ContainerType>(ctx: &ContextSelectionSet<'a>, object: &'a T) -> ServerResult<Value> {
    let mut fields = Vec::with_capacity(ctx.item.node.items.len());
    if !collect(ctx, &object.introspection_type_name(), &ctx.item.node, &mut fields) {
        return resolve_container(ctx, object).await;
    }
    let mut values: IndexMap<Name, Value> = IndexMap::with_capacity(fields.len());
    let mut later: Vec<Later<'_>> = Vec::new();
    for (index, field) in fields.iter().copied().enumerate() {
        let value = if field.node.name.node == "__typename" {
            Value::String(object.introspection_type_name().into_owned())
        } else {
            let mut resolving: Later<'_> = Box::pin(async move {
                let value = object.resolve_field(&ctx.with_field(field)).await?;
                Ok((index, value.unwrap_or_default()))
            });
            match poll_fn(|task| Poll::Ready(resolving.as_mut().poll(task))).await {
                Poll::Ready(resolved) => resolved?.1,
                Poll::Pending => {
                    later.push(resolving);
                    Value::Null
                }
            }
        };
        values.insert(field.node.response_key().node.clone(), value);
    }
    if !later.is_empty() {
        for (index, value) in try_join_all(later).await? {
            if let Some((_, place)) = values.get_index_mut(index) {
                *place = value;
            }
        }
    }
    Ok(Value::Object(values))
}

/// Collects the fields of a selection, fragments included. False when the engine has to do it.
fn collect<'a>(
    ctx: &ContextSelectionSet<'a>,
    type_name: &str,
    set: &'a SelectionSet,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> bool {
    set.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            let key = field.node.response_key();
            let is_plain = field.node.directives.is_empty()
                && fields.iter().all(|other| other.node.response_key().node != key.node);
            fields.push(field);
            is_plain
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
            fragment.node.directives.is_empty()
                && condition.is_none_or(|condition| condition == type_name)
                && collect(ctx, type_name, &fragment.node.selection_set.node, fields)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node);
            spread.node.directives.is_empty()
                && fragment.is_some_and(|fragment| {
                    fragment.node.type_condition.node.on.node == type_name
                        && collect(ctx, type_name, &fragment.node.selection_set.node, fields)
                })
        }
    })
}
