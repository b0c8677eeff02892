//! The look at the parsed document before the engine sees it: everything that the engine's own passes would take
//! exponential time or unbounded memory to find out, in time that is linear in the document.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Variables};

use super::limits::{Limits, Refusal, RefusalCode};
use super::measure::{Measure, Measurer};
use super::shape::SchemaShape;
use super::variables::{check_variables, selected_operation};

/// What the document asks for. Where it has several operations, the numbers are the largest of any,
/// except those that are said to be of the selected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Of the selected operation; `None` when the request does not select one, which the engine reports.
    pub operation_type: Option<OperationType>,
    /// Of the selected operation, with these variables.
    pub requested_cost: u64,
    /// Different response names at the root of the selected operation.
    pub root_fields: u64,
    pub depth: u64,
    pub introspection_depth: u64,
    pub nesting: u64,
    /// Fields of all operations, with every fragment written out.
    pub expanded_fields: u64,
    /// Bytes of the arguments of all operations, with every fragment written out.
    pub expanded_bytes: u64,
    /// Directives in the document.
    pub directives: u64,
    /// The most response names that one field name has.
    pub aliases: u64,
    /// Selections that were looked at, in all passes together: the work that this took.
    pub visited: u64,
}

/// Measures a document for one request.
///
/// # Errors
/// When it breaks a limit. What is merely invalid, such as an unknown field or an undefined fragment, is left to
/// the validator.
pub fn examine(
    document: &ExecutableDocument,
    schema: &SchemaShape,
    operation_name: Option<&str>,
    variables: &Variables,
    limits: &Limits,
) -> Result<Examined, Refusal> {
    check_variables(variables, limits)?;
    let written = Written::read(document, limits)?;
    let order = written.fragments_before_their_users()?;
    let selected = selected_operation(document, operation_name);
    let mut measurer = Measurer::new(schema, selected.map(|found| &found.node), variables, limits);
    let mut largest = Measure::default();
    let (mut expanded_fields, mut expanded_bytes) = (0_u64, 0_u64);

    for name in order {
        let measure = measure_fragment(&mut measurer, schema, name, written.fragments[name]);
        measure.check(written.fragments[name].pos, limits)?;
        largest = largest.or(measure);
    }
    for operation in &written.operations {
        let root = schema.root(operation.node.ty);
        let mut measure = measurer.selection_set(&operation.node.selection_set.node, root);
        // The rewritten document holds every operation with its fragments, so it is their sum that is limited.
        expanded_fields = expanded_fields.saturating_add(measure.fields);
        expanded_bytes = expanded_bytes.saturating_add(measure.bytes);
        (measure.fields, measure.bytes) = (expanded_fields, expanded_bytes);
        measure.check(operation.pos, limits)?;
        largest = largest.or(measure);
    }
    let mut requested_cost = 0;
    let mut root_fields = 0;
    if let Some(operation) = selected {
        root_fields = written.root_fields(&operation.node, limits)?;
        requested_cost = operation_cost(&mut measurer, schema, &operation.node, limits)?;
    }
    Ok(Examined {
        operation_type: selected.map(|operation| operation.node.ty),
        requested_cost,
        root_fields,
        depth: largest.depth.levels,
        introspection_depth: largest.introspection_depth.levels,
        nesting: largest.nesting.levels,
        expanded_fields,
        expanded_bytes,
        directives: written.directives,
        aliases: written.aliases,
        visited: written.visited + measurer.visited,
    })
}

/// The cost of running a document again with other variables, for one that was examined and rewritten before.
///
/// # Errors
/// When the cost or the depth of a variable is over its limit.
pub fn cost(
    document: &ExecutableDocument,
    schema: &SchemaShape,
    operation_name: Option<&str>,
    variables: &Variables,
    limits: &Limits,
) -> Result<u64, Refusal> {
    check_variables(variables, limits)?;
    let Some(operation) = selected_operation(document, operation_name) else {
        return Ok(0);
    };
    let mut measurer = Measurer::new(schema, Some(&operation.node), variables, limits);
    if !document.fragments.is_empty() {
        let written = Written::read(document, limits)?;
        for name in written.fragments_before_their_users()? {
            measure_fragment(&mut measurer, schema, name, written.fragments[name]);
        }
    }
    operation_cost(&mut measurer, schema, &operation.node, limits)
}

fn measure_fragment<'a>(
    measurer: &mut Measurer<'a>,
    schema: &SchemaShape,
    name: &'a str,
    fragment: &'a Positioned<FragmentDefinition>,
) -> Measure {
    let parent = schema.type_named(&fragment.node.type_condition.node.on.node);
    let measure = measurer.selection_set(&fragment.node.selection_set.node, parent);
    measurer.remember(name, measure);
    measure
}

/// The cost of one operation; a refusal points at the costliest of its root selections.
fn operation_cost(
    measurer: &mut Measurer<'_>,
    schema: &SchemaShape,
    operation: &OperationDefinition,
    limits: &Limits,
) -> Result<u64, Refusal> {
    let root = schema.root(operation.ty);
    let mut total = 0_u64;
    let mut costliest = (0, operation.selection_set.pos);
    for selection in &operation.selection_set.node.items {
        let cost = measurer.selection(selection, root).cost();
        total = total.saturating_add(cost);
        if cost > costliest.0 {
            costliest = (cost, selection.pos);
        }
    }
    if total > limits.cost {
        return Err(Refusal::over(
            RefusalCode::CostExceeded,
            format_args!("The query costs {total}, of which {} at one root selection", costliest.0),
            Some(costliest.1),
            limits.cost,
            total,
        ));
    }
    Ok(total)
}

/// The document as it is written: each definition read once, spreads not followed.
struct Written<'a> {
    /// In the order of the text, so that the same document always gets the same answer.
    operations: Vec<&'a Positioned<OperationDefinition>>,
    fragments: HashMap<&'a str, &'a Positioned<FragmentDefinition>>,
    /// The fragments that each fragment spreads, and where.
    spreads: HashMap<&'a str, Vec<(&'a str, Pos)>>,
    response_names: HashMap<&'a str, HashSet<&'a str>>,
    aliases: u64,
    directives: u64,
    visited: u64,
}

impl<'a> Written<'a> {
    fn read(document: &'a ExecutableDocument, limits: &Limits) -> Result<Self, Refusal> {
        let mut operations: Vec<_> = document.operations.iter().map(|(_, found)| found).collect();
        operations.sort_by_key(|operation| operation.pos);
        let fragments = document.fragments.iter();
        let mut written = Self {
            operations,
            fragments: fragments.map(|(name, found)| (name.as_str(), found)).collect(),
            spreads: HashMap::new(),
            response_names: HashMap::new(),
            aliases: 0,
            directives: 0,
            visited: 0,
        };
        let mut spreads = Vec::new();
        for operation in written.operations.clone() {
            written.directives(&operation.node.directives, limits)?;
            for definition in &operation.node.variable_definitions {
                written.directives(&definition.node.directives, limits)?;
            }
            written.selection_set(&operation.node.selection_set.node, &mut spreads, limits)?;
        }
        for (name, fragment) in written.fragments_by_place() {
            let mut spreads = Vec::new();
            written.directives(&fragment.node.directives, limits)?;
            written.selection_set(&fragment.node.selection_set.node, &mut spreads, limits)?;
            written.spreads.insert(name, spreads);
        }
        Ok(written)
    }

    fn fragments_by_place(&self) -> Vec<(&'a str, &'a Positioned<FragmentDefinition>)> {
        let mut fragments: Vec<_> = self.fragments.iter().map(|(name, found)| (*name, *found)).collect();
        fragments.sort_by_key(|(_, fragment)| fragment.pos);
        fragments
    }

    fn selection_set(
        &mut self,
        selection_set: &'a SelectionSet,
        spreads: &mut Vec<(&'a str, Pos)>,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        for selection in &selection_set.items {
            self.visited += 1;
            self.directives(selection.node.directives(), limits)?;
            match &selection.node {
                Selection::Field(field) => {
                    typename_is_a_leaf(field)?;
                    self.response_name(&field.node.name.node, field.node.response_key(), limits)?;
                    self.selection_set(&field.node.selection_set.node, spreads, limits)?;
                }
                Selection::InlineFragment(fragment) => {
                    self.selection_set(&fragment.node.selection_set.node, spreads, limits)?;
                }
                Selection::FragmentSpread(spread) => {
                    spreads.push((spread.node.fragment_name.node.as_str(), spread.pos));
                }
            }
        }
        Ok(())
    }

    fn response_name(
        &mut self,
        field: &'a Name,
        response_name: &'a Positioned<Name>,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let names = self.response_names.entry(field.as_str()).or_default();
        names.insert(response_name.node.as_str());
        let aliases = names.len() as u64;
        self.aliases = self.aliases.max(aliases);
        if aliases > limits.aliases_per_field {
            return Err(Refusal::over(
                RefusalCode::TooManyAliases,
                format_args!("The query selects the field {field} under at least {aliases} names"),
                Some(response_name.pos),
                limits.aliases_per_field,
                aliases,
            ));
        }
        Ok(())
    }

    fn directives(&mut self, directives: &[Positioned<Directive>], limits: &Limits) -> Result<(), Refusal> {
        for (here, directive) in (1..).zip(directives) {
            self.directives += 1;
            let (what, limit, actual) = if here > limits.directives_per_place {
                ("one place of the query", limits.directives_per_place, here)
            } else if self.directives > limits.directives {
                ("the query", limits.directives, self.directives)
            } else {
                continue;
            };
            return Err(Refusal::over(
                RefusalCode::TooManyDirectives,
                format_args!("There are at least {actual} directives in {what}"),
                Some(directive.pos),
                limit,
                actual,
            ));
        }
        Ok(())
    }

    /// Every fragment after those that it spreads (a depth-first search without recursion).
    fn fragments_before_their_users(&self) -> Result<Vec<&'a str>, Refusal> {
        let mut order = Vec::with_capacity(self.fragments.len());
        let mut done = HashSet::new();
        for (start, _) in self.fragments_by_place() {
            if done.contains(start) {
                continue;
            }
            // The fragments between the start and the present one, each with those of its spreads not yet followed.
            let mut path = vec![(start, self.spreads[start].iter())];
            let mut on_path = HashSet::from([start]);
            while let Some((name, spreads)) = path.last_mut() {
                let name = *name;
                match spreads.next() {
                    None => {
                        order.push(name);
                        done.insert(name);
                        on_path.remove(name);
                        path.pop();
                    }
                    Some((next, _)) if done.contains(next) => {}
                    Some((next, position)) if on_path.contains(next) => {
                        let cycle = path.iter().map(|(name, _)| *name);
                        let cycle: Vec<_> = cycle.skip_while(|name| name != next).collect();
                        return Err(cycle_refusal(&cycle, *position));
                    }
                    Some((next, _)) => {
                        if let Some(spreads) = self.spreads.get(next) {
                            on_path.insert(*next);
                            path.push((*next, spreads.iter()));
                        }
                    }
                }
            }
        }
        Ok(order)
    }

    /// The number of different response names at the root of an operation, its fragments included.
    fn root_fields(&self, operation: &'a OperationDefinition, limits: &Limits) -> Result<u64, Refusal> {
        let limit = match operation.ty {
            OperationType::Subscription => limits.root_fields.min(1),
            OperationType::Query | OperationType::Mutation => limits.root_fields,
        };
        let mut names = HashSet::new();
        let mut spread = HashSet::new();
        let mut path = vec![operation.selection_set.node.items.iter()];
        while let Some(selections) = path.last_mut() {
            let Some(selection) = selections.next() else {
                path.pop();
                continue;
            };
            match &selection.node {
                Selection::Field(field) => {
                    names.insert(field.node.response_key().node.as_str());
                    let count = names.len() as u64;
                    if count > limit {
                        return Err(Refusal::over(
                            RefusalCode::TooManyRootFields,
                            format_args!("The {} has at least {count} root fields", operation.ty),
                            Some(field.pos),
                            limit,
                            count,
                        ));
                    }
                }
                Selection::InlineFragment(fragment) => {
                    path.push(fragment.node.selection_set.node.items.iter());
                }
                Selection::FragmentSpread(found) => {
                    let name = found.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.fragments.get(name)
                        && spread.insert(name)
                    {
                        path.push(fragment.node.selection_set.node.items.iter());
                    }
                }
            }
        }
        Ok(names.len() as u64)
    }
}

fn cycle_refusal(cycle: &[&str], position: Pos) -> Refusal {
    let path = match cycle {
        [only] => format!("The fragment {only} spreads itself"),
        [first, .., last] => {
            format!("The fragment {first} spreads itself through {} others, the last of them {last}", cycle.len() - 1)
        }
        [] => "A fragment spreads itself".to_owned(),
    };
    Refusal {
        code: RefusalCode::FragmentCycle,
        message: format!("{path} (line {}, column {}).", position.line, position.column),
        position: Some(position),
        limit: 0,
        actual: cycle.len() as u64,
    }
}

/// The engine's validator lets `__typename` have arguments and a selection set.
fn typename_is_a_leaf(field: &Positioned<Field>) -> Result<(), Refusal> {
    let below = field.node.arguments.len() + field.node.selection_set.node.items.len();
    if field.node.name.node != "__typename" || below == 0 {
        return Ok(());
    }
    Err(Refusal::over(
        RefusalCode::TypenameIsLeaf,
        format_args!("__typename has {below} arguments and fields of its own"),
        Some(field.pos),
        0,
        below as u64,
    ))
}
