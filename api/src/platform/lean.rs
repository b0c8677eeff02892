//! Objects resolved with less ado than the engine has for each field, for lists and the objects they are made of.
//! Fields that are at hand are written at once, without a future; of the others each is polled once, and what then still
//! waits runs together.
//! What is not plain (directives, fragments of other types) is left to the engine; the answers are the same.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::resolve_container;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures_util::future::{BoxFuture, join_all, try_join_all};

use super::pagination::Node;
use super::written::{EachNameOnce, Mark, Writing};

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
            Some(fields) => {
                let mut writing = Writing::with_capacity(BYTES_OF_FIELD * fields.len());
                let left = write(ctx, &self.0, &fields, &mut writing);
                if left.is_empty() {
                    return Ok(writing.finish());
                }
                Box::pin(resolve_rest(ctx, &self.0, writing, left))
            }
        };
        rest.await
    }
}

/// About as long is a field that is at hand.
const BYTES_OF_FIELD: usize = 48;

/// Resolves a list in one go: what its objects wait for is loaded for all of them, and then everything is at hand. None
/// where that is not so.
pub fn resolve_together<'a, N: Node>(
    ctx: &'a ContextSelectionSet<'a>,
    objects: Vec<&'a N>,
    set: &'a SelectionSet,
) -> Option<impl Future<Output = Option<Value>> + Send + use<'a, N>> {
    let first = *objects.first()?;
    let fields = collect(ctx, first, set)?;
    let mut scratch = Writing::with_capacity(0);
    let mut loading = Vec::new();
    for field in &fields {
        match N::ahead(ctx, &objects, field) {
            Some(ahead) => loading.push(ahead),
            None if value_at_hand(ctx, first, field, &mut scratch) => {}
            None => return None,
        }
    }
    Some(async move {
        join_all(loading).await;
        let mut writing = Writing::with_capacity(BYTES_OF_FIELD * fields.len() * objects.len());
        write_all(ctx, objects.into_iter(), set, &mut writing).then(|| writing.finish())
    })
}

/// Writes one object, if everything that is asked of it is at hand.
pub fn write_whole<N: Node>(
    ctx: &ContextSelectionSet<'_>,
    object: &N,
    set: &SelectionSet,
    writing: &mut Writing,
) -> bool {
    collect(ctx, object, set).is_some_and(|fields| write(ctx, object, &fields, writing).is_empty())
}

/// Writes the objects as a list, if everything that is asked of each is at hand.
pub fn write_all<'a, N: Node + 'a>(
    ctx: &ContextSelectionSet<'_>,
    objects: impl Iterator<Item = &'a N>,
    set: &SelectionSet,
    writing: &mut Writing,
) -> bool {
    let start = writing.mark();
    let mut fields = None;
    writing.raw("[");
    for (index, object) in objects.enumerate() {
        if fields.is_none() {
            fields = collect(ctx, object, set);
        }
        let is_whole = fields.as_ref().is_some_and(|fields| {
            writing.separate(index);
            write(ctx, object, fields, writing).is_empty()
        });
        if !is_whole {
            writing.back_to(start);
            return false;
        }
    }
    writing.raw("]");
    true
}

/// A field that is not at hand, and the place that was left for its value.
type Left<'a> = (Mark, &'a Positioned<Field>);

/// Writes the object with the fields that are at hand, and says which are not.
fn write<'a, N: Node>(
    ctx: &ContextSelectionSet<'_>,
    object: &N,
    fields: &[&'a Positioned<Field>],
    writing: &mut Writing,
) -> Vec<Left<'a>> {
    let mut left = Vec::new();
    writing.raw("{");
    for (index, field) in fields.iter().copied().enumerate() {
        writing.separate(index);
        writing.key(&field.node.response_key().node);
        let place = writing.mark();
        if !value_at_hand(ctx, object, field, writing) {
            writing.back_to(place);
            left.push((place, field));
        }
    }
    writing.raw("}");
    left
}

fn value_at_hand<N: Node>(
    ctx: &ContextSelectionSet<'_>,
    object: &N,
    field: &Positioned<Field>,
    writing: &mut Writing,
) -> bool {
    match field.node.name.node.as_str() {
        "__typename" => {
            writing.plain(object.introspection_type_name());
            true
        }
        name => object.at_hand(ctx, name, field, writing),
    }
}

type Later<'a> = Pin<Box<dyn Future<Output = ServerResult<Value>> + Send + 'a>>;

async fn resolve_rest<'a, N: Node>(
    ctx: &ContextSelectionSet<'a>,
    object: &'a N,
    writing: Writing,
    left: Vec<Left<'a>>,
) -> ServerResult<Value> {
    let mut gaps = Vec::with_capacity(left.len());
    let (mut places, mut later): (Vec<usize>, Vec<Later<'_>>) = (Vec::new(), Vec::new());
    for (mark, field) in left {
        let mut resolving: Later<'_> = Box::pin(async move {
            if let Some(together) = object.together(ctx, field)
                && let Some(value) = together.await
            {
                return Ok(value);
            }
            Ok(object.resolve_field(&ctx.with_field(field)).await?.unwrap_or_default())
        });
        let value = match poll_fn(|task| Poll::Ready(resolving.as_mut().poll(task))).await {
            Poll::Ready(resolved) => resolved?,
            Poll::Pending => {
                places.push(gaps.len());
                later.push(resolving);
                Value::Null
            }
        };
        gaps.push((mark, value));
    }
    if !later.is_empty() {
        for (place, value) in places.into_iter().zip(try_join_all(later).await?) {
            gaps[place].1 = value;
        }
    }
    Ok(writing.filled(gaps).finish())
}

/// The fields of a selection, fragments included. `None` when the engine has to do it.
fn collect<'a, N: Node>(
    ctx: &ContextSelectionSet<'a>,
    object: &N,
    set: &'a SelectionSet,
) -> Option<Vec<&'a Positioned<Field>>> {
    ctx.data_opt::<EachNameOnce>()?;
    let mut fields = Vec::with_capacity(set.items.len());
    collect_into(object, set, &mut fields).then_some(fields)
}

fn collect_into<'a, N: Node>(object: &N, set: &'a SelectionSet, fields: &mut Vec<&'a Positioned<Field>>) -> bool {
    set.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            fields.push(field);
            field.node.directives.is_empty()
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
            fragment.node.directives.is_empty()
                && condition.is_none_or(|condition| **condition == *object.introspection_type_name())
                && collect_into(object, &fragment.node.selection_set.node, fields)
        }
        Selection::FragmentSpread(_) => false,
    })
}
