//! The schema as a document: committed as it is, described throughout, and shaped by the conventions.

use async_graphql::parser::types::{TypeDefinition, TypeKind};

use crate::support::{base, graph};

/// Lists of objects that end by themselves: of one row's columns, of the settings, of what one policy or tool says.
const ENDING: [&str; 24] = [
    "Project.limits",
    "McpCall.findings",
    "McpToolResult.content",
    "AuditEntry.changes",
    "Query.openIdProviders",
    "McpStdioTransport.environment",
    "McpHttpTransport.headers",
    "McpSseTransport.headers",
    "McpTool.changes",
    "McpTool.riskReasons",
    "UsagePolicyRules.limits",
    "AccessPolicyRules.hours",
    "DecisionTrace.gates",
    "DecisionTrace.tried",
    "DecisionTrace.limits",
    "DecisionTrace.findings",
    "DecisionPolicyTried.checks",
    "PolicySimulationResult.byProject",
    "PolicySimulationResult.byTool",
    "PolicySimulationResult.byUser",
    "PolicySimulationResult.byRule",
    "PolicySimulationResult.examples",
    "WhyNot.ways",
    "WhyNotWay.changes",
];

/// The fields that may hold JSON: metadata and the arguments of tools, whose shape is their users' own.
const JSON: [&str; 9] = [
    "Approval.arguments",
    "ApprovalRequestInput.arguments",
    "DecisionInput.arguments",
    "Document.metadata",
    "DocumentCreateInput.metadata",
    "DocumentUpdateInput.metadata",
    "ExplainToolInput.arguments",
    "McpToolCallInput.arguments",
    "McpToolResult.structured",
];

#[test]
fn the_committed_schema_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let served = api::schema::sdl();
    let differs = committed.lines().zip(served.lines()).position(|(one, other)| one != other);
    assert!(
        committed == served,
        "schema.graphql is not the schema of this server, from line {}: run `trellis schema > schema.graphql` and read the difference.",
        differs.unwrap_or(committed.lines().count().min(served.lines().count())) + 1
    );
}

/// The name of everything in a type that needs a description, and whether it has one.
fn described(name: &str, found: &TypeDefinition) -> Vec<(String, bool)> {
    let mut all = vec![(name.to_owned(), found.description.is_some())];
    match &found.kind {
        TypeKind::Object(_) | TypeKind::Interface(_) => {
            for field in graph().fields(name) {
                let place = format!("{name}.{}", field.name.node);
                for argument in &field.arguments {
                    all.push((format!("{place}({})", argument.node.name.node), argument.node.description.is_some()));
                }
                all.push((place, field.description.is_some()));
            }
        }
        TypeKind::InputObject(_) => {
            for field in graph().input_fields(name) {
                all.push((format!("{name}.{}", field.name.node), field.description.is_some()));
            }
        }
        TypeKind::Enum(found) => {
            for value in &found.values {
                all.push((format!("{name}.{}", value.node.value.node), value.node.description.is_some()));
            }
        }
        TypeKind::Scalar | TypeKind::Union(_) => {}
    }
    all
}

#[test]
fn every_field_that_may_be_null_says_when() {
    let silent = graph().types.keys().filter(|name| *name != "Mutation").flat_map(|name| {
        let fields = graph().fields(name).filter(|field| field.ty.node.nullable);
        let silent = fields.filter(|field| {
            let says = |text: &str| text.to_lowercase().contains("null");
            !field.description.as_ref().is_some_and(|text| says(&text.node))
        });
        silent.map(move |field| format!("{name}.{}", field.name.node))
    });
    let silent: Vec<String> = silent.collect();
    assert!(silent.is_empty(), "null without a reason: {silent:#?}");
}

#[test]
fn everything_is_described() {
    let all: Vec<(String, bool)> = graph().types.iter().flat_map(|(name, found)| described(name, found)).collect();
    assert!(all.len() > 400, "the schema was not read: {}", all.len());
    let missing: Vec<String> = all.into_iter().filter(|(_, described)| !described).map(|(name, _)| name).collect();
    assert!(missing.is_empty(), "not described: {missing:#?}");
}

#[test]
fn a_description_is_a_sentence() {
    for (name, found) in &graph().types {
        if let (Some(text), false) = (&found.description, matches!(found.kind, TypeKind::Scalar)) {
            let text = text.node.trim();
            assert!(text.ends_with('.') && text.starts_with(|letter: char| !letter.is_lowercase()), "{name}: {text}");
        }
    }
}

#[test]
fn json_stands_only_where_the_shape_is_its_users_own() {
    let mut found = Vec::new();
    for name in graph().types.keys() {
        for field in graph().fields(name) {
            if base(&field.ty.node) == "JSON" {
                found.push(format!("{name}.{}", field.name.node));
            }
            for argument in &field.arguments {
                assert_ne!(base(&argument.node.ty.node), "JSON", "{name}.{}", field.name.node);
            }
        }
        for field in graph().input_fields(name) {
            if base(&field.ty.node) == "JSON" {
                found.push(format!("{name}.{}", field.name.node));
            }
        }
    }
    assert_eq!(found, JSON);
}

#[test]
fn lists_of_objects_are_connections_with_four_arguments() {
    for name in graph().types.keys() {
        for field in graph().fields(name) {
            let place = format!("{name}.{}", field.name.node);
            let (of, arguments) = (base(&field.ty.node), &field.arguments);
            let has = |argument: &str| arguments.iter().any(|found| found.node.name.node == argument);
            if of.ends_with("Connection") {
                assert!(["first", "after", "last", "before"].into_iter().all(has), "{place}");
                // One that takes a right which not every reader has must not take the object around it along.
                let takes_a_right = field.description.as_ref().is_some_and(|text| text.node.contains("FORBIDDEN"));
                assert_eq!(field.ty.node.nullable, takes_a_right, "{place}");
            }
            let is_list = field.ty.node.to_string().starts_with('[');
            let is_page = name.ends_with("Connection") || place == "Query.nodes" || field.name.node == "userErrors";
            let ends = is_page || ENDING.contains(&place.as_str());
            assert!(!is_list || ends || graph().is_leaf(of), "{place} is a list that does not end");
        }
    }
}

#[test]
fn mutations_take_one_input_and_give_a_payload_with_user_errors() {
    for field in graph().fields("Mutation") {
        let (name, payload) = (&field.name.node, base(&field.ty.node));
        // Nullable, so that one that fails does not hide what another of the request has committed.
        assert_eq!(field.ty.node.to_string(), payload, "{name}");
        assert!(payload.ends_with("Payload"), "{name}: {payload}");
        assert!(
            field.arguments.iter().all(|argument| argument.node.name.node == "input") && field.arguments.len() < 2,
            "{name}"
        );
        let errors = graph().fields(payload).find(|field| field.name.node == "userErrors");
        let errors = errors.unwrap_or_else(|| panic!("{name} has no userErrors")).ty.node.to_string();
        assert!(errors.ends_with("UserError!]!"), "{name}: {errors}");
        let signs = ["SessionPayload", "SignOutPayload"].contains(&payload);
        assert!(
            signs || graph().fields(payload).any(|field| field.name.node == "commitCursor"),
            "{name} has no commitCursor"
        );
    }
}

#[test]
fn updates_take_a_version_and_creates_an_id() {
    let has = |input: &str, name: &str| graph().input_fields(input).any(|field| field.name.node == name);
    let inputs: Vec<&String> = graph()
        .types
        .iter()
        .filter(|(_, found)| matches!(found.kind, TypeKind::InputObject(_)))
        .map(|(name, _)| name)
        .collect();
    for input in inputs {
        assert!(!input.ends_with("UpdateInput") || has(input, "expectedVersion"), "{input}");
        assert!(!["CreateInput", "AddInput"].iter().any(|end| input.ends_with(end)) || has(input, "id"), "{input}");
    }
}

#[test]
fn what_can_be_acted_on_says_what_the_viewer_can_do() {
    for name in graph().node_types() {
        let says = graph()
            .fields(&name)
            .any(|field| field.name.node == "viewerCan" && field.ty.node.to_string() == "[Action!]!");
        assert!(says || name == "User", "{name}");
    }
}
