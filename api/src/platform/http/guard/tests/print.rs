//! Documents as text, so that two can be compared by eye.

use async_graphql::Positioned;
use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};

use super::parse;

/// The operations of a document in one line, in the order of the text; then its fragments by name.
pub fn print(document: &ExecutableDocument) -> String {
    let mut operations: Vec<_> = document.operations.iter().collect();
    operations.sort_by_key(|(_, operation)| operation.pos);
    let operations = operations.into_iter().map(|(name, operation)| {
        let name = name.map(|name| format!(" {name}")).unwrap_or_default();
        let ty = operation.node.ty;
        format!("{ty}{name}{}", print_set(&operation.node.selection_set.node))
    });
    let mut fragments: Vec<_> = document.fragments.iter().collect();
    fragments.sort_by_key(|(name, _)| name.as_str());
    let fragments = fragments.into_iter().map(|(name, fragment)| {
        let on = &fragment.node.type_condition.node.on.node;
        format!("fragment {name} on {on}{}", print_set(&fragment.node.selection_set.node))
    });
    operations.chain(fragments).collect::<Vec<_>>().join(" ")
}

/// Parses and prints, so that expectations can be written with any spacing.
pub fn normal(text: &str) -> String {
    print(&parse(text))
}

fn print_set(selection_set: &SelectionSet) -> String {
    if selection_set.items.is_empty() {
        return String::new();
    }
    let items = selection_set.items.iter().map(|item| print_selection(&item.node));
    format!(" {{ {} }}", items.collect::<Vec<_>>().join(" "))
}

fn print_selection(selection: &Selection) -> String {
    match selection {
        Selection::Field(field) => {
            let field = &field.node;
            let alias = field.alias.as_ref().map(|alias| format!("{alias}: ")).unwrap_or_default();
            format!(
                "{alias}{}{}{}{}",
                field.name,
                print_arguments(&field.arguments),
                print_directives(&field.directives),
                print_set(&field.selection_set.node)
            )
        }
        Selection::InlineFragment(fragment) => {
            let fragment = &fragment.node;
            let on = fragment.type_condition.as_ref().map(|on| format!(" on {}", on.node.on));
            format!(
                "...{}{}{}",
                on.unwrap_or_default(),
                print_directives(&fragment.directives),
                print_set(&fragment.selection_set.node)
            )
        }
        Selection::FragmentSpread(spread) => {
            let spread = &spread.node;
            format!("...{}{}", spread.fragment_name, print_directives(&spread.directives))
        }
    }
}

fn print_directives(directives: &[Positioned<Directive>]) -> String {
    let directives = directives.iter();
    directives.map(|found| format!(" @{}{}", found.node.name, print_arguments(&found.node.arguments))).collect()
}

fn print_arguments<Name: ToString, Value: ToString>(arguments: &[(Name, Value)]) -> String {
    if arguments.is_empty() {
        return String::new();
    }
    let arguments = arguments.iter();
    let arguments: Vec<_> =
        arguments.map(|(name, value)| format!("{}: {}", name.to_string(), value.to_string())).collect();
    format!("({})", arguments.join(", "))
}
