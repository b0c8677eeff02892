//! The operation that a request selects, and the values of its variables.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{Positioned, Value, Variables};

use super::limits::{Limits, Refusal, RefusalCode};

/// The operation that the engine will run: the named one, or the only one. `None` where it will answer with an error.
#[must_use]
pub fn selected_operation<'a>(
    document: &'a ExecutableDocument,
    operation_name: Option<&str>,
) -> Option<&'a Positioned<OperationDefinition>> {
    match (&document.operations, operation_name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Multiple(_), None) => None,
    }
}

/// Adds the default values of the variables that the request leaves out. The engine does so for arguments, but reads
/// `@skip(if: $flag)` and `@include(if: $flag)` without: it takes a flag that defaults to true for false.
#[must_use]
pub fn with_defaults(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    mut variables: Variables,
) -> Variables {
    if let Some(operation) = selected_operation(document, operation_name) {
        for definition in &operation.node.variable_definitions {
            if let Some(default) = &definition.node.default_value {
                variables.entry(definition.node.name.node.clone()).or_insert_with(|| default.node.clone());
            }
        }
    }
    variables
}

/// Refuses values that nest deeper than the same value may in the query text.
pub(super) fn check_variables(variables: &Variables, limits: &Limits) -> Result<(), Refusal> {
    let mut waiting = Vec::new();
    for (name, value) in variables.iter() {
        waiting.push((value, 0));
        while let Some((value, outer)) = waiting.pop() {
            let depth = outer + 1;
            match value {
                Value::List(elements) => {
                    waiting.extend(elements.iter().map(|element| (element, depth)));
                }
                Value::Object(fields) => {
                    waiting.extend(fields.values().map(|field| (field, depth)));
                }
                _ => continue,
            }
            if depth > limits.bracket_depth {
                return Err(Refusal::over(
                    RefusalCode::VariablesTooDeep,
                    format_args!("The value of the variable ${name} nests lists and objects at least {depth} deep"),
                    None,
                    limits.bracket_depth,
                    depth,
                ));
            }
        }
    }
    Ok(())
}
