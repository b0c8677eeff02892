//! Writes a document's fragments out where they are spread. The engine runs a resolver once per mention of a field,
//! silently drops fragments on a union inside one of its objects and every fragment at the root of a subscription, and
//! walks doubled fragments exponentially; in the rewritten document there is nothing left for it to do wrong.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection,
    SelectionSet,
};
use async_graphql::{Name, Pos, Positioned};

use super::limits::{Limits, Refusal, RefusalCode};
use super::scope::{Condition, Content, Entry, Scope, is_condition, without};
use super::shape::{Kind, SchemaShape, TypeId, common};

/// Rewrites a document that `examine` has let pass into one that answers the same:
/// - a field that is mentioned again under the same response name, with the same arguments, becomes one field with
///   both selection sets, in the place of the first;
/// - a fragment on the type at hand, or on an interface or a union that it belongs to, is replaced by its fields;
///   on a union elsewhere, by fragments on those of its objects that are possible there.
///
/// Not merged: mentions of which the first is conditional and a later one is not, and mentions on an interface or a
/// union beside mentions on one of its objects. These run once each, as they would without.
///
/// Fields that conflict under one name are refused. Another document that the validator will refuse is returned as it is, so that the errors speak of what the client wrote.
/// So is one with directives other than `@skip` and `@include` on a fragment.
///
/// # Errors
/// When the rewritten document would have too many fields, or nests too deep, and when fields conflict.
pub fn rewrite(
    document: ExecutableDocument,
    schema: &SchemaShape,
    limits: &Limits,
) -> Result<ExecutableDocument, Refusal> {
    let mut rewriter = Rewriter {
        schema,
        limits,
        fragments: &document.fragments,
        spread: HashSet::new(),
        kept: HashSet::new(),
        fields: 0,
    };
    match rewriter.document(&document) {
        Ok(rewritten) => Ok(rewritten),
        Err(Stop::Unchanged) => Ok(document),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

/// Why a rewriting ends early.
enum Stop {
    /// The document is not valid, or not one to rewrite.
    Unchanged,
    Refused(Refusal),
}

/// Where in the document a selection stands.
#[derive(Clone)]
struct Place<'a> {
    /// The type that the fields were written for.
    written: TypeId,
    /// The object types that a value can have here.
    reach: Vec<TypeId>,
    /// The same before a fragment was written out for each type: what none of them can have is impossible.
    whole_reach: Vec<TypeId>,
    narrowed_to: Option<TypeId>,
    conditions: Vec<Condition<'a>>,
    nesting: u64,
}

struct Rewriter<'a> {
    schema: &'a SchemaShape,
    limits: &'a Limits,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// The fragments that an operation reaches.
    spread: HashSet<&'a str>,
    /// The fragments whose definitions stay, because an impossible fragment speaks of them.
    kept: HashSet<&'a str>,
    fields: u64,
}

impl<'a> Rewriter<'a> {
    fn document(&mut self, document: &'a ExecutableDocument) -> Result<ExecutableDocument, Stop> {
        let operations = match &document.operations {
            DocumentOperations::Single(operation) => DocumentOperations::Single(self.operation(operation)?),
            DocumentOperations::Multiple(operations) => {
                let mut rewritten = HashMap::with_capacity(operations.len());
                for (name, operation) in operations {
                    rewritten.insert(name.clone(), self.operation(operation)?);
                }
                DocumentOperations::Multiple(rewritten)
            }
        };
        if self.spread.len() < self.fragments.len() {
            return Err(Stop::Unchanged);
        }
        let fragments = self.fragments.iter();
        let kept = fragments.filter(|(name, _)| self.kept.contains(name.as_str()));
        Ok(ExecutableDocument {
            operations,
            fragments: kept.map(|(name, definition)| (name.clone(), definition.clone())).collect(),
        })
    }

    fn operation(
        &mut self,
        operation: &'a Positioned<OperationDefinition>,
    ) -> Result<Positioned<OperationDefinition>, Stop> {
        let root = self.schema.root(operation.node.ty).ok_or(Stop::Unchanged)?;
        let selection_set = &operation.node.selection_set;
        let mut scope = Scope::new(root, selection_set.pos);
        let place = self.place(root, Vec::new(), 0);
        self.collect(&mut scope, &selection_set.node, &place)?;
        let rewritten = OperationDefinition {
            ty: operation.node.ty,
            variable_definitions: operation.node.variable_definitions.clone(),
            directives: operation.node.directives.clone(),
            selection_set: scope.write(self.schema),
        };
        Ok(Positioned::new(rewritten, operation.pos))
    }

    fn place(&self, type_id: TypeId, conditions: Vec<Condition<'a>>, nesting: u64) -> Place<'a> {
        Place {
            written: type_id,
            reach: self.possible(type_id).to_vec(),
            whole_reach: self.possible(type_id).to_vec(),
            narrowed_to: None,
            conditions,
            nesting,
        }
    }

    /// Adds the fields of a selection set to the scope, and those of the fragments in it.
    fn collect(
        &mut self,
        scope: &mut Scope<'a>,
        selection_set: &'a SelectionSet,
        place: &Place<'a>,
    ) -> Result<(), Stop> {
        for selection in &selection_set.items {
            if place.nesting >= self.limits.nesting {
                return Err(self.nests_too_deep(selection.pos, place.nesting + 1));
            }
            let directives = selection.node.directives();
            if has_duplicates(directives) {
                return Err(Stop::Unchanged);
            }
            let (on, selection_set) = match &selection.node {
                Selection::Field(field) => {
                    self.field(scope, field, place)?;
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let fragment = self.fragments.get(name).ok_or(Stop::Unchanged)?;
                    if !fragment.node.directives.is_empty() {
                        return Err(Stop::Unchanged);
                    }
                    self.spread.insert(name);
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set)
                }
            };
            if !directives.iter().all(is_condition) {
                return Err(Stop::Unchanged);
            }
            let on = match on {
                Some(condition) => self
                    .schema
                    .type_named(&condition.node.on.node)
                    .filter(|on| self.schema.get(*on).kind != Kind::Leaf)
                    .ok_or(Stop::Unchanged)?,
                None => place.written,
            };
            if !self.schema.overlap(place.written, on) {
                return Err(Stop::Unchanged);
            }
            let whole_reach = common(&place.whole_reach, self.possible(on));
            let reach = common(&place.reach, self.possible(on));
            if reach.is_empty() && !whole_reach.is_empty() {
                continue;
            }
            if reach.is_empty() {
                self.keep(&selection.node)?;
                scope.push(Entry {
                    narrowed_to: place.narrowed_to,
                    conditions: place.conditions.clone(),
                    content: Content::Impossible { written: place.written, selection },
                });
                continue;
            }
            let conditions = with_own(&place.conditions, directives);
            for (narrowed_to, reach) in self.narrow(scope.parent, place, on, reach) {
                let inner = Place {
                    written: on,
                    reach,
                    whole_reach: whole_reach.clone(),
                    narrowed_to,
                    conditions: conditions.clone(),
                    nesting: place.nesting + 1,
                };
                self.collect(scope, &selection_set.node, &inner)?;
            }
        }
        Ok(())
    }

    /// How a fragment on `on`, where a value can have the types of `reach`, is written directly inside `parent`:
    /// without a fragment, as one that the engine understands, or as one for each type.
    fn narrow(
        &self,
        parent: TypeId,
        place: &Place<'a>,
        on: TypeId,
        reach: Vec<TypeId>,
    ) -> Vec<(Option<TypeId>, Vec<TypeId>)> {
        let present = self.schema.get(place.narrowed_to.unwrap_or(parent));
        let condition = self.schema.get(on);
        let has_its_fields = place.narrowed_to.unwrap_or(parent) == on
            || condition.kind == Kind::Union
            || present.implements.contains(&on);
        if reach == place.reach && has_its_fields {
            return vec![(place.narrowed_to, reach)];
        }
        let is_interface = condition.kind == Kind::Interface;
        if is_interface && reach.len() > 1 && common(self.possible(parent), self.possible(on)) == reach {
            return vec![(Some(on), reach)];
        }
        reach.into_iter().map(|type_id| (Some(type_id), vec![type_id])).collect()
    }

    fn field(&mut self, scope: &mut Scope<'a>, field: &'a Positioned<Field>, place: &Place<'a>) -> Result<(), Stop> {
        self.count(field.pos)?;
        let name = field.node.name.node.as_str();
        let selection_set = &field.node.selection_set;
        let type_id = if name == "__typename" {
            None
        } else {
            let selected_on = place.narrowed_to.unwrap_or(scope.parent);
            let written = self.schema.field(place.written, name);
            let selected = self.schema.field(selected_on, name);
            let (Some(written), Some(selected)) = (written, selected) else {
                return Err(Stop::Unchanged);
            };
            // An object may return less than its interface promises; what was written for the interface would not
            // always be valid there.
            if written.type_id != selected.type_id {
                return Err(Stop::Unchanged);
            }
            Some(selected.type_id).filter(|id| self.schema.get(*id).kind != Kind::Leaf)
        };
        if type_id.is_some() == selection_set.node.items.is_empty() {
            return Err(Stop::Unchanged);
        }

        if let Some(other) = scope.conflicting(self.schema, field, place.narrowed_to) {
            return Err(Stop::Refused(conflict(field, other)));
        }
        let conditions = with_own(&place.conditions, &field.node.directives);
        let (index, left) = match scope.same_call(self.schema, field, place.narrowed_to, &conditions) {
            Some(found) => found,
            None => {
                scope.push(Entry {
                    narrowed_to: place.narrowed_to,
                    // The engine's validator does not see the variables in the directives of `__typename`.
                    conditions: if name == "__typename" { conditions.clone() } else { place.conditions.clone() },
                    content: Content::Field {
                        field,
                        all_conditions: conditions,
                        inside: type_id.map(|type_id| Scope::new(type_id, selection_set.pos)),
                    },
                });
                (scope.entries.len() - 1, Vec::new())
            }
        };
        if let (Some(type_id), Content::Field { inside: Some(inside), .. }) =
            (type_id, &mut scope.entries[index].content)
        {
            let place = self.place(type_id, left, place.nesting + 1);
            self.collect(inside, &selection_set.node, &place)?;
        }
        Ok(())
    }

    /// Notes the fragments that an impossible selection speaks of, and counts its fields.
    fn keep(&mut self, selection: &'a Selection) -> Result<(), Stop> {
        let mut waiting = vec![selection];
        while let Some(selection) = waiting.pop() {
            let selection_set = match selection {
                Selection::Field(field) => {
                    self.count(field.pos)?;
                    &field.node.selection_set
                }
                Selection::InlineFragment(fragment) => &fragment.node.selection_set,
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let fragment = self.fragments.get(name).ok_or(Stop::Unchanged)?;
                    self.spread.insert(name);
                    if !self.kept.insert(name) {
                        continue;
                    }
                    &fragment.node.selection_set
                }
            };
            waiting.extend(selection_set.node.items.iter().map(|item| &item.node));
        }
        Ok(())
    }

    fn possible(&self, type_id: TypeId) -> &'a [TypeId] {
        &self.schema.get(type_id).possible
    }

    fn count(&mut self, position: Pos) -> Result<(), Stop> {
        self.fields += 1;
        if self.fields > self.limits.expanded_fields {
            return Err(Stop::Refused(Refusal::over(
                RefusalCode::TooManyFields,
                format_args!(
                    "With its fragments written out for each type, the query has at least {} fields",
                    self.fields
                ),
                Some(position),
                self.limits.expanded_fields,
                self.fields,
            )));
        }
        Ok(())
    }

    fn nests_too_deep(&self, position: Pos, nesting: u64) -> Stop {
        Stop::Refused(Refusal::over(
            RefusalCode::NestingTooDeep,
            format_args!("The query nests selection sets and fragments at least {nesting} deep"),
            Some(position),
            self.limits.nesting,
            nesting,
        ))
    }
}

/// The conditions around a selection and its own, each once.
fn with_own<'a>(around: &[Condition<'a>], directives: &'a [Positioned<Directive>]) -> Vec<Condition<'a>> {
    let own: Vec<_> = directives.iter().filter(|found| is_condition(found)).collect();
    let mut all = around.to_vec();
    all.extend(without(&own, around));
    all
}

/// The engine's validator lets fields of one name conflict where it takes their types for different ones.
fn conflict(field: &Positioned<Field>, other: &Positioned<Field>) -> Refusal {
    let name = &field.node.response_key().node;
    let place = |field: &Positioned<Field>| format!("line {}, column {}", field.pos.line, field.pos.column);
    Refusal {
        code: RefusalCode::FieldsConflict,
        message: format!(
            "Fields \"{name}\" conflict ({} and {}): under one name they ask for different fields, or with different arguments. Give one of them another name.",
            place(other),
            place(field),
        ),
        position: Some(field.pos),
        limit: 0,
        actual: 1,
    }
}

fn has_duplicates(directives: &[Positioned<Directive>]) -> bool {
    let mut names = HashSet::new();
    directives.iter().any(|directive| !names.insert(directive.node.name.node.as_str()))
}
