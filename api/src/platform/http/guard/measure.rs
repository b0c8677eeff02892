//! The size of a selection set, with its fragments counted wherever they are spread: fields, depth, cost. What is
//! known of a fragment is kept, so that each is visited once, however often and however deeply it is spread.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;

use async_graphql::parser::types::{Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Pos, Positioned, Value, Variables};

use super::limits::{Limits, Refusal, RefusalCode};
use super::shape::{ListLength, SchemaShape, TypeId};

/// The lists of the introspection schema that hold types, or fields that hold them.
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// What was counted in a selection set. All sums saturate: doubling fragments reach 2^60 and more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    pub fields: u64,
    /// What the arguments hold.
    pub bytes: u64,
    /// The cost of the fields that are lists: of a connection, these are as long as its page.
    listed_cost: u64,
    /// The cost of all other fields.
    single_cost: u64,
    pub depth: Reach,
    pub introspection_depth: Reach,
    pub introspection_lists: Reach,
    pub nesting: Reach,
}

/// How many levels down something goes, and the place of the lowest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reach {
    pub levels: u64,
    pub lowest: Pos,
}

impl Reach {
    fn or(self, other: Self) -> Self {
        if other.levels > self.levels { other } else { self }
    }

    /// One level more above this one, which starts at `position`.
    fn below(self, position: Pos) -> Self {
        Self { levels: self.levels + 1, lowest: if self.levels == 0 { position } else { self.lowest } }
    }
}

impl Measure {
    pub(super) fn cost(&self) -> u64 {
        self.listed_cost.saturating_add(self.single_cost)
    }

    fn and(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            bytes: self.bytes.saturating_add(other.bytes),
            listed_cost: self.listed_cost.saturating_add(other.listed_cost),
            single_cost: self.single_cost.saturating_add(other.single_cost),
            depth: self.depth.or(other.depth),
            introspection_depth: self.introspection_depth.or(other.introspection_depth),
            introspection_lists: self.introspection_lists.or(other.introspection_lists),
            nesting: self.nesting.or(other.nesting),
        }
    }

    /// The larger of each number: what the worst of two definitions asks for.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            fields: self.fields.max(other.fields),
            bytes: self.bytes.max(other.bytes),
            listed_cost: self.listed_cost.max(other.listed_cost),
            single_cost: self.single_cost.max(other.single_cost),
            ..self.and(other)
        }
    }

    /// Refuses what is too large whatever the variables say; `position` is where the selection set belongs to.
    pub(super) fn check(&self, position: Pos, limits: &Limits) -> Result<(), Refusal> {
        let reaches = [
            (self.depth, limits.depth, RefusalCode::TooDeep, "The query nests fields"),
            (
                self.introspection_depth,
                limits.introspection_depth,
                RefusalCode::IntrospectionTooDeep,
                "The query nests introspection fields",
            ),
            (
                self.introspection_lists,
                limits.introspection_lists,
                RefusalCode::IntrospectionTooDeep,
                "The query nests introspection lists",
            ),
            (self.nesting, limits.nesting, RefusalCode::NestingTooDeep, "The query nests selection sets and fragments"),
        ];
        for (reach, limit, code, what) in reaches {
            if reach.levels > limit {
                return Err(Refusal::over(
                    code,
                    format_args!("{what} {} deep", reach.levels),
                    Some(reach.lowest),
                    limit,
                    reach.levels,
                ));
            }
        }
        if self.fields > limits.expanded_fields {
            return Err(Refusal::over(
                RefusalCode::TooManyFields,
                format_args!("With its fragments written out, the query has {} fields", self.fields),
                Some(position),
                limits.expanded_fields,
                self.fields,
            ));
        }
        if self.bytes > limits.expanded_bytes {
            return Err(Refusal::over(
                RefusalCode::QueryTooLarge,
                format_args!("With its fragments written out, the query has {} bytes of arguments", self.bytes),
                Some(position),
                limits.expanded_bytes,
                self.bytes,
            ));
        }
        Ok(())
    }
}

/// Measures selection sets, given the measures of the fragments that they spread.
pub(super) struct Measurer<'a> {
    schema: &'a SchemaShape,
    variables: &'a Variables,
    /// Default values by variable name.
    defaults: HashMap<&'a str, &'a Value>,
    page_maximum: u64,
    fragments: HashMap<&'a str, Measure>,
    /// Selections seen so far.
    pub visited: u64,
}

impl<'a> Measurer<'a> {
    pub(super) fn new(
        schema: &'a SchemaShape,
        operation: Option<&'a OperationDefinition>,
        variables: &'a Variables,
        limits: &Limits,
    ) -> Self {
        let definitions = operation.map_or(&[][..], |operation| &operation.variable_definitions);
        let defaults = definitions.iter().filter_map(|definition| {
            let default = definition.node.default_value.as_ref()?;
            Some((definition.node.name.node.as_str(), &default.node))
        });
        Self {
            schema,
            variables,
            defaults: defaults.collect(),
            page_maximum: limits.page_maximum,
            fragments: HashMap::new(),
            visited: 0,
        }
    }

    /// Keeps what a fragment measures, for the selection sets that spread it.
    pub(super) fn remember(&mut self, fragment: &'a str, measure: Measure) {
        self.fragments.insert(fragment, measure);
    }

    /// `parent` is the type that the fields are selected on, if the schema knows it.
    pub(super) fn selection_set(&mut self, selection_set: &SelectionSet, parent: Option<TypeId>) -> Measure {
        let mut total = Measure::default();
        for selection in &selection_set.items {
            total = total.and(self.selection(selection, parent));
        }
        total
    }

    pub(super) fn selection(&mut self, selection: &Positioned<Selection>, parent: Option<TypeId>) -> Measure {
        self.visited += 1;
        let mut measure = match &selection.node {
            Selection::Field(field) => return self.field(field, parent),
            Selection::InlineFragment(fragment) => {
                let parent = match &fragment.node.type_condition {
                    Some(condition) => self.schema.type_named(&condition.node.on.node),
                    None => parent,
                };
                self.selection_set(&fragment.node.selection_set.node, parent)
            }
            // An undefined fragment is the validator's to report.
            Selection::FragmentSpread(spread) => {
                self.fragments.get(spread.node.fragment_name.node.as_str()).copied().unwrap_or_default()
            }
        };
        measure.nesting = measure.nesting.below(selection.pos);
        measure
    }

    fn field(&mut self, field: &Positioned<Field>, parent: Option<TypeId>) -> Measure {
        let schema = self.schema;
        let name = field.node.name.node.as_str();
        let shape = parent.and_then(|parent| schema.field(parent, name));
        let inside = self.selection_set(&field.node.selection_set.node, shape.map(|shape| shape.type_id));

        let mut measure = Measure {
            fields: inside.fields.saturating_add(1),
            bytes: field
                .node
                .arguments
                .iter()
                .fold(inside.bytes, |bytes, (_, value)| bytes.saturating_add(written_length(&value.node))),
            introspection_lists: inside.introspection_lists,
            nesting: inside.nesting.below(field.pos),
            ..Measure::default()
        };
        let on_introspection = parent.is_some_and(|parent| schema.get(parent).is_introspection());
        if on_introspection || name == "__schema" || name == "__type" {
            measure.introspection_depth = inside.introspection_depth.or(inside.depth).below(field.pos);
        } else {
            measure.depth = inside.depth.below(field.pos);
        }
        if on_introspection && INTROSPECTION_LISTS.contains(&name) {
            measure.introspection_lists = measure.introspection_lists.below(field.pos);
        }

        let is_connection = shape.is_some_and(|shape| schema.get(shape.type_id).is_connection);
        let is_list = shape.is_some_and(|shape| shape.is_list);
        let inside_cost = if is_connection && !is_list {
            let page = self.length(&field.node, shape.map(|shape| shape.length));
            inside.single_cost.saturating_add(inside.listed_cost.saturating_mul(page))
        } else if is_list {
            let length = match shape.map(|shape| shape.length) {
                None | Some(ListLength::Unstated) => 1,
                length => self.length(&field.node, length),
            };
            inside.cost().saturating_mul(length)
        } else {
            inside.cost()
        };
        let cost = inside_cost.saturating_add(1);
        if is_list {
            measure.listed_cost = cost;
        } else {
            measure.single_cost = cost;
        }
        measure
    }

    /// How many elements a list field, or the page of a connection, has at most.
    fn length(&self, field: &Field, length: Option<ListLength>) -> u64 {
        if length == Some(ListLength::Ids) {
            return match self.argument(field, "ids").as_deref() {
                Some(Value::List(ids)) => ids.len() as u64,
                _ => 1,
            };
        }
        let number = |name| match self.argument(field, name).as_deref() {
            // A negative length is the resolver's to report.
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Some(number.as_u64().unwrap_or(0)),
            _ => None,
        };
        let default = match length {
            Some(ListLength::Page { default }) => default,
            _ => None,
        };
        number("first").max(number("last")).or(default).unwrap_or(self.page_maximum)
    }

    /// The value of an argument: as it is written, or of the variable that stands for it.
    fn argument(&self, field: &Field, name: &str) -> Option<Cow<'_, Value>> {
        let mut variable = None;
        let written = field.get_argument(name)?.node.clone();
        let Ok(written) = written.into_const_with(|name| {
            variable = Some(name);
            Ok::<_, Infallible>(Value::Null)
        });
        match (written, variable) {
            (Value::Null, Some(name)) => {
                self.variables.get(&name).or_else(|| self.defaults.get(name.as_str()).copied()).map(Cow::Borrowed)
            }
            (written, _) => Some(Cow::Owned(written)),
        }
    }
}

/// How many bytes a value takes when it is written down.
fn written_length(value: &impl fmt::Display) -> u64 {
    struct Length(u64);

    impl fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len() as u64;
            Ok(())
        }
    }

    let mut length = Length(0);
    // Counting cannot fail.
    let _ = fmt::write(&mut length, format_args!("{value}"));
    length.0
}
