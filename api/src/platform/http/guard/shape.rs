//! What the guard needs to know of a schema: which type each field has, which fields are lists and how long they may
//! be, and which objects an interface or a union stands for. Read once, from the exported SDL.

use std::collections::HashMap;

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, OperationType, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};
use async_graphql::{Name, Positioned, Value};

/// The types of the specification's introspection, which exported SDL leaves out.
const INTROSPECTION: &str = r"
type __Schema {
  description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type
  directives: [__Directive!]!
}
type __Type {
  kind: __TypeKind! name: String description: String specifiedByURL: String isOneOf: Boolean
  fields(includeDeprecated: Boolean): [__Field!] interfaces: [__Type!] possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean): [__EnumValue!] inputFields(includeDeprecated: Boolean): [__InputValue!]
  ofType: __Type
}
type __Field {
  name: String! description: String args(includeDeprecated: Boolean): [__InputValue!]! type: __Type!
  isDeprecated: Boolean! deprecationReason: String
}
type __InputValue {
  name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean! deprecationReason: String
}
type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
type __Directive {
  name: String! description: String locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean): [__InputValue!]! isRepeatable: Boolean!
}
";

/// The SDL is not a schema that can be read.
#[derive(Debug, thiserror::Error)]
#[error("The schema cannot be read: {0}")]
pub struct ShapeError(#[from] async_graphql::parser::Error);

/// The schema as the guard sees it.
#[derive(Debug, Clone)]
pub struct SchemaShape {
    types: Vec<TypeShape>,
    ids: HashMap<Name, TypeId>,
    query: Name,
    mutation: Name,
    subscription: Name,
}

/// A type's place in its `SchemaShape`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TypeId(usize);

#[derive(Debug, Clone)]
pub(super) struct TypeShape {
    pub name: Name,
    pub kind: Kind,
    pub fields: HashMap<Name, FieldShape>,
    /// The interfaces that an object or an interface says it implements.
    pub implements: Vec<TypeId>,
    /// The object types that a value of this type can have, in ascending order; of an object, only itself.
    pub possible: Vec<TypeId>,
    /// Whether it has `pageInfo` beside its list of `nodes` or `edges`.
    pub is_connection: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Leaf,
    Object,
    Interface,
    Union,
}

#[derive(Debug, Clone)]
pub(super) struct FieldShape {
    /// The named type, without its lists.
    pub type_id: TypeId,
    pub is_list: bool,
    pub length: ListLength,
}

/// What says how long a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListLength {
    /// Nothing: not a list, or one whose length the client does not choose.
    Unstated,
    /// The arguments `first` and `last`, with the schema's default for them.
    Page { default: Option<u64> },
    /// The number of elements of the argument `ids`.
    Ids,
}

impl TypeShape {
    pub(super) fn is_introspection(&self) -> bool {
        self.name.starts_with("__")
    }
}

impl SchemaShape {
    /// Reads a schema in GraphQL's schema definition language, such as `Schema::sdl` exports.
    ///
    /// # Errors
    /// When the text is not valid SDL.
    pub fn from_sdl(sdl: &str) -> Result<Self, ShapeError> {
        let mut shape = Self {
            types: Vec::new(),
            ids: HashMap::new(),
            query: Name::new("Query"),
            mutation: Name::new("Mutation"),
            subscription: Name::new("Subscription"),
        };
        for text in [sdl, INTROSPECTION] {
            for definition in parse_schema(text)?.definitions {
                match definition {
                    TypeSystemDefinition::Schema(schema) => {
                        let replace = |root: &mut Name, name: Option<Positioned<Name>>| {
                            if let Some(name) = name {
                                *root = name.node;
                            }
                        };
                        replace(&mut shape.query, schema.node.query);
                        replace(&mut shape.mutation, schema.node.mutation);
                        replace(&mut shape.subscription, schema.node.subscription);
                    }
                    TypeSystemDefinition::Type(definition) => shape.define(definition.node),
                    TypeSystemDefinition::Directive(_) => {}
                }
            }
        }
        shape.complete();
        Ok(shape)
    }

    pub(super) fn root(&self, operation: OperationType) -> Option<TypeId> {
        self.type_named(match operation {
            OperationType::Query => &self.query,
            OperationType::Mutation => &self.mutation,
            OperationType::Subscription => &self.subscription,
        })
    }

    pub(super) fn type_named(&self, name: &str) -> Option<TypeId> {
        self.ids.get(name).copied()
    }

    pub(super) fn get(&self, type_id: TypeId) -> &TypeShape {
        &self.types[type_id.0]
    }

    pub(super) fn field(&self, type_id: TypeId, name: &str) -> Option<&FieldShape> {
        self.get(type_id).fields.get(name)
    }

    /// Whether a value can be of both types.
    pub(super) fn overlap(&self, one: TypeId, other: TypeId) -> bool {
        !common(&self.get(one).possible, &self.get(other).possible).is_empty()
    }

    fn intern(&mut self, name: &Name) -> TypeId {
        if let Some(type_id) = self.ids.get(name) {
            return *type_id;
        }
        let type_id = TypeId(self.types.len());
        self.ids.insert(name.clone(), type_id);
        self.types.push(TypeShape {
            name: name.clone(),
            kind: Kind::Leaf,
            fields: HashMap::new(),
            implements: Vec::new(),
            possible: Vec::new(),
            is_connection: false,
        });
        type_id
    }

    /// Adds a definition; `extend type` adds to the one before it.
    fn define(&mut self, definition: TypeDefinition) {
        let type_id = self.intern(&definition.name.node);
        let (kind, implements, fields, members) = match definition.kind {
            TypeKind::Object(object) => (Kind::Object, object.implements, object.fields, Vec::new()),
            TypeKind::Interface(interface) => (Kind::Interface, interface.implements, interface.fields, Vec::new()),
            TypeKind::Union(union) => (Kind::Union, Vec::new(), Vec::new(), union.members),
            TypeKind::Scalar | TypeKind::Enum(_) | TypeKind::InputObject(_) => return,
        };
        let implements: Vec<_> = implements.iter().map(|name| self.intern(&name.node)).collect();
        let members: Vec<_> = members.iter().map(|name| self.intern(&name.node)).collect();
        let fields: Vec<_> = fields
            .into_iter()
            .map(|field| {
                let shape = self.field_shape(&field.node);
                (field.node.name.node, shape)
            })
            .collect();
        let definition = &mut self.types[type_id.0];
        definition.kind = kind;
        definition.implements.extend(implements);
        definition.possible.extend(members);
        definition.fields.extend(fields);
    }

    fn field_shape(&mut self, field: &FieldDefinition) -> FieldShape {
        let argument = |name: &str| field.arguments.iter().find(|argument| argument.node.name.node == name);
        let default = |name| {
            let value = argument(name)?.node.default_value.as_ref()?;
            match &value.node {
                Value::Number(number) => number.as_u64(),
                _ => None,
            }
        };
        let is_list = matches!(field.ty.node.base, BaseType::List(_));
        let length = if argument("first").is_some() || argument("last").is_some() {
            ListLength::Page { default: default("first").max(default("last")) }
        } else if is_list && argument("ids").is_some() {
            ListLength::Ids
        } else {
            ListLength::Unstated
        };
        FieldShape { type_id: self.intern(named_type(&field.ty.node)), is_list, length }
    }

    /// Fills in what can only be said once every type is known.
    fn complete(&mut self) {
        for index in 0..self.types.len() {
            let type_id = TypeId(index);
            if self.types[index].kind == Kind::Object {
                self.types[index].possible.push(type_id);
                for interface in self.types[index].implements.clone() {
                    self.types[interface.0].possible.push(type_id);
                }
            }
            let fields = &self.types[index].fields;
            self.types[index].is_connection = fields.contains_key("pageInfo")
                && ["nodes", "edges"].iter().any(|name| fields.get(*name).is_some_and(|field| field.is_list));
        }
        for type_shape in &mut self.types {
            type_shape.possible.sort_unstable();
            type_shape.possible.dedup();
        }
        let query = self.intern(&self.query.clone());
        for (name, type_name) in [("__schema", "__Schema"), ("__type", "__Type")] {
            let type_id = self.intern(&Name::new(type_name));
            let field = FieldShape { type_id, is_list: false, length: ListLength::Unstated };
            self.types[query.0].fields.insert(Name::new(name), field);
        }
    }
}

/// What two ascending lists have in common.
pub(super) fn common(one: &[TypeId], other: &[TypeId]) -> Vec<TypeId> {
    let both = one.iter().filter(|type_id| other.binary_search(type_id).is_ok());
    both.copied().collect()
}

fn named_type(mut type_: &Type) -> &Name {
    loop {
        match &type_.base {
            BaseType::Named(name) => return name,
            BaseType::List(element) => type_ = element,
        }
    }
}
