//! What the test schema answers by the letter of the GraphQL specification: its algorithms `CollectFields` and
//! `ExecuteSelectionSet`, written down as plainly as they stand there.

use std::convert::Infallible;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Directive, DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value, Variables};

/// An object: its type and its number.
type Object = (&'static str, u32);

enum Resolved {
    Leaf(Value),
    One(Object),
    Many(Vec<Object>),
}

/// The types of the schema that an object can have, and the objects that each type stands for.
pub const TYPES: [(&str, &[&str]); 7] = [
    ("Document", &["Document"]),
    ("User", &["User"]),
    ("Bot", &["Bot"]),
    ("Node", &["Document", "User", "Bot"]),
    ("Actor", &["User", "Bot"]),
    ("Hit", &["Document", "User"]),
    ("Thing", &["Document", "User", "Bot"]),
];

pub fn possible(type_name: &str) -> &'static [&'static str] {
    TYPES.iter().find(|(name, _)| *name == type_name).map_or(&["Query"], |(_, objects)| objects)
}

pub struct Reference<'a> {
    pub document: &'a ExecutableDocument,
    pub variables: &'a Variables,
}

impl<'a> Reference<'a> {
    /// The data of the document's only operation.
    pub fn answer(&self) -> Value {
        let DocumentOperations::Single(operation) = &self.document.operations else {
            panic!("one operation");
        };
        self.execute(("Query", 0), &[&operation.node.selection_set.node])
    }

    fn execute(&self, object: Object, selection_sets: &[&'a SelectionSet]) -> Value {
        let mut groups = IndexMap::new();
        for selection_set in selection_sets {
            self.collect(object.0, selection_set, &mut groups);
        }
        let fields = groups.into_iter().map(|(response_name, fields)| {
            let inside: Vec<_> = fields.iter().map(|field| &field.selection_set.node).collect();
            let value = match self.resolve(object, fields[0]) {
                Resolved::Leaf(value) => value,
                Resolved::One(object) => self.execute(object, &inside),
                Resolved::Many(objects) => {
                    Value::List(objects.into_iter().map(|object| self.execute(object, &inside)).collect())
                }
            };
            (response_name, value)
        });
        Value::Object(fields.collect())
    }

    fn collect(&self, type_name: &str, selection_set: &'a SelectionSet, groups: &mut IndexMap<Name, Vec<&'a Field>>) {
        for selection in &selection_set.items {
            if !self.is_selected(selection.node.directives()) {
                continue;
            }
            let (on, inside) = match &selection.node {
                Selection::Field(field) => {
                    let response_name = field.node.response_key().node.clone();
                    groups.entry(response_name).or_default().push(&field.node);
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.node.fragment_name.node].node;
                    (Some(&fragment.type_condition), &fragment.selection_set.node)
                }
            };
            let applies = on.is_none_or(|on| {
                let on = on.node.on.node.as_str();
                on == type_name || possible(on).contains(&type_name)
            });
            if applies {
                self.collect(type_name, inside, groups);
            }
        }
    }

    fn is_selected(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let condition = self.argument(&directive.node.arguments, "if", |value| {
                value.clone().into_const_with(|name| self.variable(&name))
            });
            match directive.node.name.node.as_str() {
                "include" => condition == Value::Boolean(true),
                "skip" => condition == Value::Boolean(false),
                _ => true,
            }
        })
    }

    fn variable(&self, name: &Name) -> Result<Value, Infallible> {
        Ok(self.variables.get(name).cloned().unwrap_or_default())
    }

    fn argument<T>(
        &self,
        arguments: &[(Positioned<Name>, Positioned<T>)],
        name: &str,
        value: impl Fn(&T) -> Result<Value, Infallible>,
    ) -> Value {
        let found = arguments.iter().find(|argument| argument.0.node == name);
        found.map_or(Value::Null, |argument| {
            let Ok(value) = value(&argument.1.node);
            value
        })
    }

    fn resolve(&self, (type_name, number): Object, field: &Field) -> Resolved {
        let argument = |name| {
            self.argument(&field.arguments, name, |value| value.clone().into_const_with(|name| self.variable(&name)))
        };
        let chosen = match argument("number") {
            Value::Number(number) => u32::try_from(number.as_u64().unwrap_or(0)).unwrap_or(0),
            _ => 0,
        };
        let text = |text: String| Resolved::Leaf(Value::String(text));
        match (type_name, field.name.node.as_str()) {
            (_, "__typename") => text(type_name.to_owned()),
            ("Query", "document") => Resolved::One(("Document", chosen)),
            ("Query", "node") => Resolved::One(node(chosen)),
            ("Query", "hits") => Resolved::Many(vec![("Document", 3), ("User", 4)]),
            (_, "id") => text(format!("{type_name}{number}")),
            ("Document", "title") if argument("upper") == Value::Boolean(true) => text(format!("TITLE {number}")),
            ("Document", "title") => text(format!("title {number}")),
            ("Document", "owner") if number % 2 == 1 => Resolved::One(("User", number + 1)),
            ("Document", "owner") => Resolved::One(("Bot", number + 1)),
            ("Document", "related") => Resolved::Many(vec![node(number + 1), node(number + 2)]),
            ("User", "name") => text(format!("user {number}")),
            ("User", "favorite") => Resolved::One(("Document", number + 1)),
            ("User", "email") => text(format!("{number}@example.org")),
            ("Bot", "name") => text(format!("bot {number}")),
            ("Bot", "favorite") => Resolved::One(("Document", number + 2)),
            ("Bot", "version") => Resolved::Leaf(Value::from(number)),
            (_, field) => panic!("{type_name} has no field {field}"),
        }
    }
}

fn node(number: u32) -> Object {
    match number % 3 {
        0 => ("Document", number),
        1 => ("User", number),
        _ => ("Bot", number),
    }
}
