//! Custom policies: text in Cedar, read into a `Matcher`. Each permit and forbid of the text is evaluated by itself, for
//! Cedar skips what cannot be evaluated and would let through what an erring forbid should stop.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use cedar_policy::{
    Authorizer, Context, Effect as Cedar, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicySet,
    Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use entity::ids::{ApiKeyId, ProjectId, UserId};
use serde_json::Value;

use crate::governance::decision::{Action, Effect, Input, Matcher};

/// What policies may speak of. Arguments have any shape, so a clause that reads them is checked when it is evaluated.
const SCHEMA: &str = r#"
entity Role;
entity User in [Role];
entity Key in [Role];
entity Project;
entity Server in [Project];
entity Tool in [Server];
entity Model;
type Circumstances = {
    "project": Project,
    "roles": Set<String>,
    "at": datetime,
    "key"?: Key,
    "address"?: ipaddr,
    "server"?: String,
    "tool"?: String,
    "model"?: String,
};
action callTool appliesTo { principal: [User, Key], resource: [Tool], context: Circumstances };
action useModel appliesTo { principal: [User, Key], resource: [Model], context: Circumstances };
"#;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).expect("Invariant: the schema of the program is one");
    Validator::new(schema)
});

/// Signs that nest an expression, in one clause at most. What nests deeper would take more of a stack than there is.
const MOST_NESTING: usize = 300;
/// What reading needs for that much, with room to spare.
const STACK_BYTES: usize = 64 << 20;

/// One permit or forbid.
#[derive(Debug)]
struct Clause {
    set: PolicySet,
    effect: Effect,
    reads_arguments: bool,
}

#[derive(Debug)]
struct Custom {
    clauses: Vec<Clause>,
}

/// Reads the text of a custom policy.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn compile(text: &str) -> Result<Arc<dyn Matcher>, String> {
    check_nesting(text)?;
    let read = || read(text);
    let clauses = std::thread::scope(|scope| {
        let reading = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, read);
        let reading = reading.map_err(|error| format!("The text could not be read now: {error}."))?;
        reading.join().map_err(|_| "The text cannot be read.".to_owned())?
    })?;
    Ok(Arc::new(Custom { clauses }))
}

fn read(text: &str) -> Result<Vec<Clause>, String> {
    let whole = PolicySet::from_str(text)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    if whole.templates().next().is_some() {
        return Err("A policy names who and what it is about: slots of templates cannot be filled.".to_owned());
    }
    let mut clauses = Vec::new();
    for policy in whole.policies() {
        let reads_arguments = policy.to_string().contains("arguments");
        let set = PolicySet::from_policies([policy.clone()]).map_err(|error| error.to_string())?;
        if !reads_arguments {
            let result = VALIDATOR.validate(&set, ValidationMode::Strict);
            let errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
            if !errors.is_empty() {
                return Err(errors.join("; "));
            }
        }
        clauses.push(Clause { set, effect: effect_of(policy)?, reads_arguments });
    }
    if clauses.is_empty() {
        return Err("There is no permit and no forbid in the text.".to_owned());
    }
    Ok(clauses)
}

/// What a clause says where it matches.
fn effect_of(policy: &Policy) -> Result<Effect, String> {
    match (policy.effect(), policy.annotation("approval")) {
        (Cedar::Permit, None) => Ok(Effect::Allow),
        (Cedar::Forbid, None) => Ok(Effect::Deny),
        (Cedar::Forbid, Some("required")) => Ok(Effect::RequireApproval),
        (_, Some(_)) => Err("The annotation is @approval(\"required\"), and stands at a forbid.".to_owned()),
    }
}

/// Counts what may nest, clause by clause, outside of texts and comments.
fn check_nesting(text: &str) -> Result<(), String> {
    let mut nesting = 0;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' => {
                while let Some(sign) = signs.next() {
                    match sign {
                        '\\' => drop(signs.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '/' if signs.peek() == Some(&'/') => while signs.next().is_some_and(|sign| sign != '\n') {},
            ';' => nesting = 0,
            '(' | '[' | '{' | '.' | '!' | '-' | '+' | '*' | '&' | '|' | 'i' if !is_within_word(sign, signs.peek()) => {
                nesting += 1;
                if nesting > MOST_NESTING {
                    return Err(format!("A permit or forbid holds at most {MOST_NESTING} brackets and operators."));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Of letters only the beginning of `if` counts.
fn is_within_word(sign: char, next: Option<&char>) -> bool {
    sign == 'i' && next != Some(&'f')
}

impl Matcher for Custom {
    fn evaluate(&self, input: &Input) -> Result<Option<Effect>, String> {
        let (request, entities) = question(input)?;
        let authorizer = Authorizer::new();
        let mut strictest = None;
        for clause in &self.clauses {
            let response = authorizer.is_authorized(&request, &clause.set, &entities);
            let error = response.diagnostics().errors().next().map(ToString::to_string);
            let says = match error {
                None => response.diagnostics().reason().next().map(|_| clause.effect),
                // A list asks before there are arguments: the call may be allowed, and is asked about again.
                Some(_) if clause.reads_arguments && input.arguments.is_none() => {
                    Some(Effect::Allow).filter(|effect| *effect == clause.effect)
                }
                Some(_) if clause.effect == Effect::Allow => None,
                Some(message) => return Err(message),
            };
            strictest = strictest.max(says);
        }
        Ok(strictest)
    }

    fn may_refuse(&self) -> bool {
        self.clauses.iter().any(|clause| clause.effect != Effect::Allow)
    }
}

/// The question as Cedar asks it.
fn question(input: &Input) -> Result<(Request, Entities), String> {
    let project = uid("Project", &ProjectId(input.project_id).to_string())?;
    let roles = input.roles.iter().map(|role| uid("Role", role)).collect::<Result<HashSet<_>, _>>()?;
    let key = input.key_id.map(|id| uid("Key", &ApiKeyId(id).to_string())).transpose()?;
    let principal = match (input.user_id, &key) {
        (Some(user), _) => uid("User", &UserId(user).to_string())?,
        (None, Some(key)) => key.clone(),
        (None, None) => uid("User", "")?,
    };
    let mut entities = vec![Entity::new_no_attrs(principal.clone(), roles)];
    let (action, resource) = match &input.action {
        Action::CallTool { server, tool, .. } => {
            let server_uid = uid("Server", server)?;
            let tool = uid("Tool", &format!("{server}/{tool}"))?;
            entities.push(Entity::new_no_attrs(server_uid.clone(), HashSet::from([project.clone()])));
            entities.push(Entity::new_no_attrs(tool.clone(), HashSet::from([server_uid])));
            ("callTool", tool)
        }
        Action::UseModel { model } => ("useModel", uid("Model", model)?),
    };
    let mut context: HashMap<String, RestrictedExpression> = HashMap::new();
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    context.insert("project".to_owned(), RestrictedExpression::new_entity_uid(project));
    let roles = RestrictedExpression::new_set(input.roles.iter().map(|role| text(role)));
    context.insert("roles".to_owned(), roles);
    let at = RestrictedExpression::new_datetime(input.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    context.insert("at".to_owned(), at);
    let optional = [
        ("key", key.map(RestrictedExpression::new_entity_uid)),
        ("address", input.address.map(|address| RestrictedExpression::new_ip(address.to_canonical().to_string()))),
        ("server", input.action.server().map(text)),
        ("tool", input.action.tool().map(|(_, tool)| text(tool))),
        ("model", input.action.model().map(text)),
        ("arguments", input.arguments.as_ref().and_then(expression)),
    ];
    context.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let context = Context::from_pairs(context).map_err(|error| error.to_string())?;
    let request = Request::new(principal, uid("Action", action)?, resource, context, None);
    let request = request.map_err(|error| error.to_string())?;
    let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
    Ok((request, entities))
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// A value of the arguments in Cedar, which has no null and no numbers with a large fraction: a null is left out, and such
/// a number is its text.
fn expression(value: &Value) -> Option<RestrictedExpression> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(holds) => RestrictedExpression::new_bool(*holds),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => RestrictedExpression::new_long(whole),
            None => RestrictedExpression::new_string(number.to_string()),
        },
        Value::String(text) => RestrictedExpression::new_string(text.clone()),
        Value::Array(items) => RestrictedExpression::new_set(items.iter().filter_map(expression)),
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, field)| Some((name.clone(), expression(field)?)));
            RestrictedExpression::new_record(fields).ok()?
        }
    })
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::governance::decision::{MayCall, OrganizationGates};

    fn input(arguments: Option<Value>) -> Input {
        Input {
            action: Action::CallTool { server: "git".into(), tool: "push".into(), model: None },
            project_id: Uuid::from_u128(1),
            user_id: Some(Uuid::from_u128(2)),
            key_id: None,
            roles: vec!["project_developer".into()],
            address: "10.1.2.3".parse().ok(),
            at: Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap(),
            arguments,
            approval_id: None,
            organization_gates: OrganizationGates {
                key_valid: true,
                organization_active: true,
                project_active: true,
                subscription_in_good_standing: true,
            },
            may_call: MayCall::default(),
            server_gates: None,
        }
    }

    fn said(text: &str, arguments: Option<Value>) -> Result<Option<Effect>, String> {
        compile(text).unwrap_or_else(|error| panic!("{text}: {error}")).evaluate(&input(arguments))
    }

    #[test]
    fn a_text_speaks_of_who_what_and_when() {
        for (text, effect) in [
            ("permit(principal, action, resource);", Some(Effect::Allow)),
            (r#"permit(principal in Role::"project_developer", action, resource);"#, Some(Effect::Allow)),
            (r#"permit(principal in Role::"project_admin", action, resource);"#, None),
            (r#"forbid(principal, action == Action::"callTool", resource in Server::"git");"#, Some(Effect::Deny)),
            (r#"forbid(principal, action == Action::"useModel", resource);"#, None),
            (
                r#"forbid(principal, action, resource) when { context has address && context.address.isInRange(ip("10.0.0.0/8")) };"#,
                Some(Effect::Deny),
            ),
            (r#"forbid(principal, action, resource) when { context.at < datetime("2026-11-20") };"#, None),
            (
                r#"@approval("required") forbid(principal, action, resource == Tool::"git/push");"#,
                Some(Effect::RequireApproval),
            ),
            ("permit(principal, action, resource); forbid(principal, action, resource);", Some(Effect::Deny)),
        ] {
            assert_eq!(said(text, Some(json!({}))), Ok(effect), "{text}");
        }
    }

    #[test]
    fn a_forbid_that_cannot_be_evaluated_is_an_error_and_a_permit_is_not() {
        let forbid = "permit(principal, action, resource); \
                      forbid(principal, action, resource) when { context.arguments.branch == \"main\" };";
        assert_eq!(said(forbid, Some(json!({ "branch": "main" }))), Ok(Some(Effect::Deny)));
        assert_eq!(said(forbid, Some(json!({ "branch": "topic" }))), Ok(Some(Effect::Allow)));
        assert!(said(forbid, Some(json!({}))).is_err());
        assert!(compile(forbid).unwrap().may_refuse());
        let permit = "permit(principal, action, resource) when { context.arguments.branch == \"topic\" };";
        assert_eq!(said(permit, Some(json!({}))), Ok(None));
        assert!(!compile(permit).unwrap().may_refuse());
    }

    #[test]
    fn a_list_holds_what_some_arguments_would_allow() {
        let permit = "permit(principal, action, resource) when { context.arguments.branch == \"topic\" };";
        assert_eq!(said(permit, None), Ok(Some(Effect::Allow)));
        let forbid = "forbid(principal, action, resource) when { context.arguments.branch == \"main\" };";
        assert_eq!(said(forbid, None), Ok(None));
        let never = "permit(principal in Role::\"project_admin\", action, resource) when { context.arguments.n > 1 };";
        assert_eq!(said(never, None), Ok(None));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let chain = |count: usize, link: &str| {
            format!("permit(principal, action, resource) when {{ true{} }};", link.repeat(count))
        };
        for text in [
            String::new(),
            "permit(principal, action, resource)".to_owned(),
            "permit(principal == ?principal, action, resource);".to_owned(),
            "permit(principal, action, resource) when { context.servr == \"git\" };".to_owned(),
            "permit(principal, action, resource) when { context.address.isLoopback() };".to_owned(),
            "permit(principal, action == Action::\"callTol\", resource);".to_owned(),
            "@approval(\"required\") permit(principal, action, resource);".to_owned(),
            "@approval(\"maybe\") forbid(principal, action, resource);".to_owned(),
            chain(2_000, "||true"),
            format!("permit(principal, action, resource) when {{ {}true{} }};", "(".repeat(5_000), ")".repeat(5_000)),
            format!("permit(principal, action, resource) when {{ context{} }};", ".a".repeat(5_000)),
            format!(
                "permit(principal, action, resource) when {{ {}true{} }};",
                "if true then ".repeat(900),
                " else true".repeat(900)
            ),
        ] {
            assert!(compile(&text).is_err(), "{}", &text[..text.len().min(90)]);
        }
        assert!(compile(&chain(100, "||true")).is_ok());
    }
}
