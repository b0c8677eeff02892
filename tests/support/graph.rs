//! What the schema says, for tests that go through all of it and for building a mutation's text from its name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};

/// The types of the schema by name.
pub struct Graph {
    pub types: BTreeMap<String, TypeDefinition>,
}

/// The schema of the server.
pub fn graph() -> &'static Graph {
    static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
        let document = parse_schema(api::schema::sdl()).expect("the schema can be read");
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(found) => Some((found.node.name.node.to_string(), found.node)),
            TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
        });
        Graph { types: types.collect() }
    });
    &GRAPH
}

/// The name of a type without its lists and exclamation marks.
pub fn base(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => base(inner),
    }
}

impl Graph {
    /// The fields of an object or interface.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &FieldDefinition> {
        let fields = match self.types.get(name).map(|found| &found.kind) {
            Some(TypeKind::Object(object)) => object.fields.as_slice(),
            Some(TypeKind::Interface(interface)) => interface.fields.as_slice(),
            _ => &[],
        };
        fields.iter().map(|field| &field.node)
    }

    /// The fields of an input object.
    pub fn input_fields(&self, name: &str) -> impl Iterator<Item = &InputValueDefinition> {
        let fields = match self.types.get(name).map(|found| &found.kind) {
            Some(TypeKind::InputObject(input)) => input.fields.as_slice(),
            _ => &[],
        };
        fields.iter().map(|field| &field.node)
    }

    /// The values of an enum.
    pub fn values(&self, name: &str) -> Vec<String> {
        match self.types.get(name).map(|found| &found.kind) {
            Some(TypeKind::Enum(found)) => found.values.iter().map(|value| value.node.value.to_string()).collect(),
            _ => Vec::new(),
        }
    }

    /// The names of the root fields: of `Query`, `Mutation` or `Subscription`.
    pub fn roots(&self, name: &str) -> Vec<String> {
        self.fields(name).map(|field| field.name.node.to_string()).collect()
    }

    /// The names of the types that can be found by `node`.
    pub fn node_types(&self) -> Vec<String> {
        let implements = |found: &TypeDefinition| match &found.kind {
            TypeKind::Object(object) => object.implements.iter().any(|name| name.node == "Node"),
            _ => false,
        };
        self.types.iter().filter(|(_, found)| implements(found)).map(|(name, _)| name.clone()).collect()
    }

    pub fn is_leaf(&self, name: &str) -> bool {
        match self.types.get(name).map(|found| &found.kind) {
            Some(TypeKind::Scalar | TypeKind::Enum(_)) => true,
            Some(_) => false,
            None => ["ID", "String", "Int", "Float", "Boolean"].contains(&name),
        }
    }

    fn field(&self, parent: &str, name: &str) -> &FieldDefinition {
        let found = self.fields(parent).find(|field| field.name.node == name);
        found.unwrap_or_else(|| panic!("{parent} has no field {name}"))
    }

    /// The type of a mutation's input, if it takes one.
    pub fn input_of(&self, mutation: &str) -> Option<String> {
        let arguments = &self.field("Mutation", mutation).arguments;
        arguments
            .iter()
            .find(|argument| argument.node.name.node == "input")
            .map(|argument| base(&argument.node.ty.node).to_owned())
    }

    /// The text of an operation that runs a mutation with the variable `$input`. Without fields it asks for every
    /// leaf of the payload and the id of every object in it.
    pub fn mutation(&self, name: &str, fields: &str) -> String {
        let payload = base(&self.field("Mutation", name).ty.node);
        let mut selection = String::from("userErrors { code field message }");
        for field in self.fields(payload) {
            let (field, found) = (&field.name.node, base(&field.ty.node));
            if field == "commitCursor" || (fields.is_empty() && self.is_leaf(found)) {
                selection += &format!(" {field}");
            } else if fields.is_empty() && self.fields(found).any(|inner| inner.name.node == "id") {
                selection += &format!(" {field} {{ id }}");
            }
        }
        match self.input_of(name) {
            Some(input) => {
                format!("mutation($input: {input}!) {{ {name}(input: $input) {{ {selection} {fields} }} }}")
            }
            None => format!("mutation {{ {name} {{ {selection} {fields} }} }}"),
        }
    }
}
