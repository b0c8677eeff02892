//! Whether a document asks for nothing twice under one name in one place: then the engine has no two values to merge.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::shape::SchemaShape;

/// Whether each name stands once in each place of a rewritten document. On types that no object has both of, it may stand
/// once each.
pub fn asks_each_name_once(document: &ExecutableDocument, schema: &SchemaShape) -> bool {
    let mut operations = document.operations.iter();
    operations.all(|(_, operation)| each_once(&operation.node.selection_set.node, None, &mut HashMap::new(), schema))
}

/// The types on which each name is asked for in one place; none stands for whatever the type there is.
type Asked<'a> = HashMap<&'a str, Vec<Option<&'a str>>>;

fn each_once<'a>(set: &'a SelectionSet, on: Option<&'a str>, asked: &mut Asked<'a>, schema: &SchemaShape) -> bool {
    set.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            let types = asked.entry(field.node.response_key().node.as_str()).or_default();
            let is_first = types.iter().all(|other| are_apart(*other, on, schema));
            types.push(on);
            is_first && each_once(&field.node.selection_set.node, None, &mut HashMap::new(), schema)
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
            each_once(&fragment.node.selection_set.node, condition.or(on), asked, schema)
        }
        // Rewritten documents spread fragments only where they are never due.
        Selection::FragmentSpread(_) => false,
    })
}

fn are_apart(one: Option<&str>, other: Option<&str>, schema: &SchemaShape) -> bool {
    let type_of = |name: Option<&str>| name.and_then(|name| schema.type_named(name));
    matches!((type_of(one), type_of(other)), (Some(one), Some(other)) if !schema.overlap(one, other))
}
