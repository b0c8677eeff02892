//! A selection set under rewriting: its fields in the order of their first mention, each with the conditions it is
//! selected under, and how that is written down again.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, Field, InlineFragment, Selection, SelectionSet, TypeCondition};
use async_graphql::{Pos, Positioned};

use super::shape::{SchemaShape, TypeId};

/// A `@skip` or `@include`.
pub(super) type Condition<'a> = &'a Positioned<Directive>;

pub(super) struct Scope<'a> {
    /// The type that the fields are selected on.
    pub parent: TypeId,
    position: Pos,
    pub entries: Vec<Entry<'a>>,
    /// The fields with the same response name, in order.
    by_name: HashMap<&'a str, Vec<usize>>,
}

pub(super) struct Entry<'a> {
    /// The type that a fragment narrows the parent to, if one does.
    pub narrowed_to: Option<TypeId>,
    /// The conditions of the fragments that it is written into.
    pub conditions: Vec<Condition<'a>>,
    pub content: Content<'a>,
}

pub(super) enum Content<'a> {
    Field {
        field: &'a Positioned<Field>,
        /// The conditions of the fragments around it and its own.
        all_conditions: Vec<Condition<'a>>,
        inside: Option<Scope<'a>>,
    },
    /// A fragment within a fragment on `written`, on a type that no value has here. It stays as it was written, so
    /// that the validator sees what is in it.
    Impossible { written: TypeId, selection: &'a Positioned<Selection> },
}

impl<'a> Scope<'a> {
    pub(super) fn new(parent: TypeId, position: Pos) -> Self {
        Self { parent, position, entries: Vec::new(), by_name: HashMap::new() }
    }

    pub(super) fn push(&mut self, entry: Entry<'a>) {
        match &entry.content {
            Content::Field { field, .. } => {
                let name = field.node.response_key().node.as_str();
                let mentions = self.by_name.entry(name).or_default();
                mentions.push(self.entries.len());
            }
            Content::Impossible { selection, .. } => {
                let is_known = self.entries.iter().any(|other| {
                    let found = matches!(&other.content, Content::Impossible { selection: known, .. }
                        if std::ptr::eq(*known, *selection));
                    found && other.stands_beside(&entry)
                });
                if is_known {
                    return;
                }
            }
        }
        self.entries.push(entry);
    }

    /// A field that answers under the same name for a value that both are selected on, and is another one.
    pub(super) fn conflicting(
        &self,
        schema: &SchemaShape,
        field: &Positioned<Field>,
        narrowed_to: Option<TypeId>,
    ) -> Option<&'a Positioned<Field>> {
        let mentions = self.by_name.get(field.node.response_key().node.as_str())?;
        mentions.iter().find_map(|index| {
            let entry = &self.entries[*index];
            let Content::Field { field: other, .. } = &entry.content else { return None };
            let is_same = other.node.name.node == field.node.name.node
                && arguments_are_same(&other.node.arguments, &field.node.arguments);
            (!is_same && !excludes(schema, entry.narrowed_to, narrowed_to)).then_some(*other)
        })
    }

    /// The entry that `field` can be merged into, and the conditions that are left for what is inside: the same call,
    /// which is made whenever `field` is selected. A leaf is merged only under the very same conditions, as there
    /// would be nothing left to carry the others. Anything else is not moved up past another mention of its response
    /// name, since their fields answer in the order of the mentions.
    pub(super) fn same_call(
        &self,
        schema: &SchemaShape,
        field: &Positioned<Field>,
        narrowed_to: Option<TypeId>,
        conditions: &[Condition<'a>],
    ) -> Option<(usize, Vec<Condition<'a>>)> {
        let is_leaf = field.node.selection_set.node.items.is_empty();
        let mentions = self.by_name.get(field.node.response_key().node.as_str())?;
        for index in mentions.iter().rev() {
            let entry = &self.entries[*index];
            let Content::Field { field: other, all_conditions, .. } = &entry.content else {
                continue;
            };
            let left = without(conditions, all_conditions);
            if entry.narrowed_to == narrowed_to
                && call_is_same(&other.node, &field.node)
                && without(all_conditions, conditions).is_empty()
                && (!is_leaf || left.is_empty())
            {
                return Some((*index, left));
            }
            if !is_leaf && !excludes(schema, entry.narrowed_to, narrowed_to) {
                return None;
            }
        }
        None
    }

    /// Writes the selection set down: a run of fields under the same conditions becomes one inline fragment.
    pub(super) fn write(&self, schema: &SchemaShape) -> Positioned<SelectionSet> {
        let mut items = Vec::with_capacity(self.entries.len());
        for run in self.entries.chunk_by(Entry::stands_beside) {
            let written = run.iter().map(|entry| entry.write(schema)).collect();
            items.extend(wrap(schema, &run[0], written));
        }
        Positioned::new(SelectionSet { items }, self.position)
    }
}

impl Entry<'_> {
    /// Whether both are written into the same fragment.
    fn stands_beside(&self, other: &Self) -> bool {
        self.narrowed_to == other.narrowed_to
            && without(&self.conditions, &other.conditions).is_empty()
            && without(&other.conditions, &self.conditions).is_empty()
    }

    fn write(&self, schema: &SchemaShape) -> Positioned<Selection> {
        match &self.content {
            Content::Field { field, inside, .. } => {
                let written = Field {
                    alias: field.node.alias.clone(),
                    name: field.node.name.clone(),
                    arguments: field.node.arguments.clone(),
                    directives: self.own_directives(field),
                    selection_set: match inside {
                        Some(inside) => inside.write(schema),
                        None => field.node.selection_set.clone(),
                    },
                };
                let written = Positioned::new(written, field.pos);
                Positioned::new(Selection::Field(written), field.pos)
            }
            Content::Impossible { written, selection } => {
                inline_fragment(schema, Some(*written), &[], vec![(*selection).clone()], selection.pos)
            }
        }
    }

    /// The directives of a field that are not among the conditions around it.
    fn own_directives(&self, field: &Positioned<Field>) -> Vec<Positioned<Directive>> {
        let all: Vec<_> = field.node.directives.iter().collect();
        let own = without(&all, &self.conditions);
        own.into_iter().cloned().collect()
    }

    fn position(&self) -> Pos {
        match &self.content {
            Content::Field { field, .. } => field.pos,
            Content::Impossible { selection, .. } => selection.pos,
        }
    }
}

/// Puts the narrowed type and the conditions of `entry` around `items`. A directive may stand only once at one place,
/// so conditions of the same name go into fragments within each other. The type stands on the innermost, by which the
/// engine's validator knows the fields that must not conflict.
fn wrap(schema: &SchemaShape, entry: &Entry<'_>, items: Vec<Positioned<Selection>>) -> Vec<Positioned<Selection>> {
    let mut layers: Vec<Vec<Condition<'_>>> = Vec::new();
    if entry.narrowed_to.is_some() {
        layers.push(Vec::new());
    }
    for condition in &entry.conditions {
        let free =
            layers.iter_mut().find(|layer| layer.iter().all(|other| other.node.name.node != condition.node.name.node));
        match free {
            Some(layer) => layer.push(condition),
            None => layers.push(vec![condition]),
        }
    }
    let mut items = items;
    let mut narrowed_to = entry.narrowed_to;
    for layer in layers.iter().rev() {
        items = vec![inline_fragment(schema, narrowed_to.take(), layer, items, entry.position())];
    }
    items
}

fn inline_fragment(
    schema: &SchemaShape,
    on: Option<TypeId>,
    conditions: &[Condition<'_>],
    items: Vec<Positioned<Selection>>,
    position: Pos,
) -> Positioned<Selection> {
    let condition = |type_id| TypeCondition { on: Positioned::new(schema.get(type_id).name.clone(), position) };
    let fragment = InlineFragment {
        type_condition: on.map(|type_id| Positioned::new(condition(type_id), position)),
        directives: conditions.iter().copied().cloned().collect(),
        selection_set: Positioned::new(SelectionSet { items }, position),
    };
    let fragment = Positioned::new(fragment, position);
    Positioned::new(Selection::InlineFragment(fragment), position)
}

/// The conditions that are not among `others`.
pub(super) fn without<'a>(conditions: &[Condition<'a>], others: &[Condition<'a>]) -> Vec<Condition<'a>> {
    let absent =
        |condition: &&Condition<'a>| !others.iter().any(|other| directive_is_same(&condition.node, &other.node));
    conditions.iter().filter(absent).copied().collect()
}

pub(super) fn is_condition(directive: &Positioned<Directive>) -> bool {
    let name = &directive.node.name.node;
    name == "skip" || name == "include"
}

fn directive_is_same(one: &Directive, other: &Directive) -> bool {
    one.name.node == other.name.node && arguments_are_same(&one.arguments, &other.arguments)
}

/// Whether no value is of both types. Without a type it is that of the selection set.
fn excludes(schema: &SchemaShape, one: Option<TypeId>, other: Option<TypeId>) -> bool {
    one.zip(other).is_some_and(|(one, other)| !schema.overlap(one, other))
}

/// Whether two fields call the same resolver with the same arguments and directives, conditions aside.
fn call_is_same(one: &Field, other: &Field) -> bool {
    fn others(field: &Field) -> impl Iterator<Item = &Positioned<Directive>> {
        let directives = field.directives.iter();
        directives.filter(|directive| !is_condition(directive))
    }
    one.name.node == other.name.node
        && arguments_are_same(&one.arguments, &other.arguments)
        && others(one).count() == others(other).count()
        && others(one).zip(others(other)).all(|(one, other)| directive_is_same(&one.node, &other.node))
}

/// In any order. Generic, because the parser's type for values with variables has no public name.
fn arguments_are_same<Name: PartialEq, Value: PartialEq>(one: &[(Name, Value)], other: &[(Name, Value)]) -> bool {
    one.len() == other.len()
        && one.iter().all(|argument| other.contains(argument))
        && other.iter().all(|argument| one.contains(argument))
}
