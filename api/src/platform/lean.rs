//! Objects resolved with less ado than the engine has for each field, for lists and the objects they are made of.
//! Fields that are at hand need no future at all; of the others each is polled once, and what then still waits runs
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
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};
use futures_util::future::{BoxFuture, try_join_all};

use super::pagination::Node;

/// An object that is resolved by this module.
#[derive(Clone, Copy, Debug)]
pub struct Lean<T>(pub T);

impl<T: Node> OutputType for Lean<T> {
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
        let rest: BoxFuture<'_, ServerResult<Value>> = match collect(ctx, &self.0, &ctx.item.node) {
            None => Box::pin(resolve_container(ctx, &self.0)),
            Some(fields) => match at_hand(ctx, &self.0, &fields) {
                (values, left) if left.is_empty() => return Ok(Value::Object(values)),
                (values, left) => Box::pin(resolve_rest(ctx, &self.0, values, left)),
            },
        };
        rest.await
    }
}

/// The objects with these fields, if everything that is asked of each is at hand.
pub fn all_at_hand<'a, N: Node + 'a>(
    ctx: &ContextSelectionSet<'_>,
    objects: impl Iterator<Item = &'a N>,
    set: &SelectionSet,
) -> Option<Value> {
    let whole = |object: &'a N| {
        let fields = collect(ctx, object, set)?;
        let mut values = IndexMap::with_capacity(fields.len());
        for field in fields {
            values.insert(key(field), value_at_hand(ctx, object, &field.node)?);
        }
        Some(Value::Object(values))
    };
    objects.map(whole).collect::<Option<Vec<Value>>>().map(Value::List)
}

fn key(field: &Positioned<Field>) -> Name {
    field.node.response_key().node.clone()
}

fn value_at_hand<N: Node>(ctx: &ContextSelectionSet<'_>, object: &N, field: &Field) -> Option<Value> {
    match field.name.node.as_str() {
        "__typename" => Some(Value::String(object.introspection_type_name().into_owned())),
        name => object.at_hand(ctx, name, field),
    }
}

/// A field that is not at hand, and its place among the others.
type Left<'a> = (usize, &'a Positioned<Field>);

/// The values that are at hand, a null in the place of every other, and which those are.
fn at_hand<'a, N: Node>(
    ctx: &ContextSelectionSet<'a>,
    object: &N,
    fields: &[&'a Positioned<Field>],
) -> (IndexMap<Name, Value>, Vec<Left<'a>>) {
    let mut values = IndexMap::with_capacity(fields.len());
    let mut left = Vec::new();
    for (index, field) in fields.iter().copied().enumerate() {
        let value = value_at_hand(ctx, object, &field.node);
        if value.is_none() {
            left.push((index, field));
        }
        values.insert(key(field), value.unwrap_or_default());
    }
    (values, left)
}

type Later<'a> = Pin<Box<dyn Future<Output = ServerResult<(usize, Value)>> + Send + 'a>>;

async fn resolve_rest<'a, N: Node>(
    ctx: &ContextSelectionSet<'a>,
    object: &'a N,
    mut values: IndexMap<Name, Value>,
    left: Vec<Left<'a>>,
) -> ServerResult<Value> {
    let mut put = |(index, value): (usize, Value)| {
        if let Some((_, place)) = values.get_index_mut(index) {
            *place = value;
        }
    };
    let mut later: Vec<Later<'_>> = Vec::new();
    for (index, field) in left {
        let mut resolving: Later<'_> = Box::pin(async move {
            let value = object.resolve_field(&ctx.with_field(field)).await?;
            Ok((index, value.unwrap_or_default()))
        });
        match poll_fn(|task| Poll::Ready(resolving.as_mut().poll(task))).await {
            Poll::Ready(resolved) => put(resolved?),
            Poll::Pending => later.push(resolving),
        }
    }
    if !later.is_empty() {
        try_join_all(later).await?.into_iter().for_each(put);
    }
    Ok(Value::Object(values))
}

/// The fields of a selection, fragments included. `None` when the engine has to do it.
fn collect<'a, N: Node>(
    ctx: &ContextSelectionSet<'a>,
    object: &N,
    set: &'a SelectionSet,
) -> Option<Vec<&'a Positioned<Field>>> {
    let mut fields = Vec::with_capacity(set.items.len());
    collect_into(ctx, object, set, &mut fields).then_some(fields)
}

fn collect_into<'a, N: Node>(
    ctx: &ContextSelectionSet<'a>,
    object: &N,
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
                && condition.is_none_or(|condition| **condition == *object.introspection_type_name())
                && collect_into(ctx, object, &fragment.node.selection_set.node, fields)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node);
            spread.node.directives.is_empty()
                && fragment.is_some_and(|fragment| {
                    *fragment.node.type_condition.node.on.node == *object.introspection_type_name()
                        && collect_into(ctx, object, &fragment.node.selection_set.node, fields)
                })
        }
    })
}
