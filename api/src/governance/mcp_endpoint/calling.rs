//! `tools/call`: the governed call of a tool, and what became of it as a result. What policies refuse is a result too, so
//! that a model reads why.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use entity::ids::{ApprovalId, ProjectId};
use serde_json::{Map, Value, json};

use super::answering::{INFO, within};
use super::entering::{fault, patience};
use super::listing::{self, Named};
use super::naming;
use crate::governance::tool_calls::{self, Ended, NewCall, Refusal};
use crate::platform::errors::Error;
use crate::platform::http::media::accepts_events;
use crate::platform::mcp::serving::{self, Fault, RequestId, Spoken, codes};
use crate::platform::mcp::{Era, Progress, ToolResult};
use crate::platform::request::Request;

/// Where a call brings its approval.
const APPROVAL_META: &str = "trellis/approvalId";

/// What a client wants called.
struct Wanted {
    name: String,
    arguments: Map<String, Value>,
    approval_id: Option<ApprovalId>,
    progress_token: Option<Value>,
}

impl Wanted {
    fn read(mut params: Map<String, Value>) -> Result<Self, Fault> {
        let invalid = |message: &str| Fault::new(codes::INVALID_PARAMS, message);
        let Some(Value::String(name)) = params.remove("name") else {
            return Err(invalid("A call says the name of its tool."));
        };
        let arguments = match params.remove("arguments") {
            None => Map::new(),
            Some(Value::Object(arguments)) => arguments,
            Some(_) => return Err(invalid("The arguments of a call are an object.")),
        };
        let meta = params.get("_meta");
        let approval_id = match meta.and_then(|meta| meta.get(APPROVAL_META)) {
            None | Some(Value::Null) => None,
            Some(given) => {
                let id = given.as_str().and_then(|text| text.parse().ok());
                Some(id.ok_or_else(|| invalid("trellis/approvalId is the id of an approval, apr_…"))?)
            }
        };
        let token = meta.and_then(|meta| meta.get("progressToken"));
        let progress_token = token.filter(|token| token.is_string() || token.is_i64() || token.is_u64()).cloned();
        Ok(Self { name, arguments, approval_id, progress_token })
    }
}

/// A call that is about to be made, and how its result is told.
struct Ready {
    request: Arc<Request>,
    spoken: Spoken,
    id: RequestId,
    named: Named,
    new: NewCall,
}

/// Answers a call: at once with its result, or with a stream where the client wants to hear of progress.
pub async fn answer(
    request: Request,
    project: ProjectId,
    headers: &HeaderMap,
    spoken: Spoken,
    id: RequestId,
    params: Map<String, Value>,
) -> Response {
    let (ready, token) = match prepare(request, project, headers, &spoken, &id, params).await {
        Ok(prepared) => prepared,
        Err(fault) => return serving::error_answer(&spoken, &id, &fault),
    };
    match token.filter(|_| accepts_events(headers)) {
        Some(token) => serving::stream(token, |mut progress| async move {
            let made = make(ready, move |told| progress.tell(told)).await;
            made.unwrap_or_else(|fault| serving::error_body(&id, &fault))
        }),
        None => match make(ready, |_| ()).await {
            Ok(body) => serving::answer(body),
            Err(fault) => serving::error_answer(&spoken, &id, &fault),
        },
    }
}

async fn prepare(
    request: Request,
    project: ProjectId,
    headers: &HeaderMap,
    spoken: &Spoken,
    id: &RequestId,
    params: Map<String, Value>,
) -> Result<(Ready, Option<Value>), Fault> {
    let Wanted { name, arguments, approval_id, progress_token } = Wanted::read(params)?;
    serving::check_name(spoken, headers, &name)?;
    let named = within(&request, listing::named(&request, project, &name)).await?;
    let Some(named) = named else {
        // Of a name that does not tell where the server ends, all of it is the tool's.
        let names = naming::plain(&name).unwrap_or(("", &name));
        within(&request, tool_calls::record_unknown(&request, project, names, arguments)).await?;
        return Err(Fault::new(codes::INVALID_PARAMS, format!("Unknown tool: {name}")));
    };
    serving::check_parameters(spoken, headers, &named.input_schema, &arguments)?;
    let new = NewCall {
        id: None,
        project_id: project,
        server: named.server.clone(),
        tool: named.tool.clone(),
        model: None,
        arguments,
        approval_id,
        message: None,
        parent_request_id: None,
    };
    let (request, spoken, id) = (Arc::new(request), spoken.clone(), id.clone());
    Ok((Ready { request, spoken, id, named, new }, progress_token))
}

/// Makes the call, and gives the body of its answer. It ends with who asks: with their connection, session or key.
async fn make(ready: Ready, mut progress: impl FnMut(Progress) + Send) -> Result<Bytes, Fault> {
    let Ready { request, spoken, id, named, new } = ready;
    let viewers = &request.platform.viewers;
    let over = request.viewer().standing().map(|standing| viewers.open_sessions().ended(standing));
    let call = tool_calls::call(&request, new, &mut progress);
    let call = crate::platform::loaders::Dispatched::new(request.loaders().clone(), call);
    let ended = tokio::select! {
        ended = tokio::time::timeout(patience(&request.platform), call) => ended.unwrap_or(Err(Error::Timeout)),
        () = async { match over { Some(over) => over.await, None => std::future::pending().await } } => {
            Err(Error::Unauthenticated)
        }
    };
    let result = match ended.map_err(|error| fault(&error))? {
        Ended::Answered(answered) => {
            let meta =
                json!({ "trellis/callId": answered.recorded.id, "trellis/decisionId": answered.recorded.decision_id });
            result(answered.result, meta, spoken.era)?
        }
        Ended::Refused(refusal) => refused(&refusal, &named, spoken.era),
        Ended::Repeated(call) => {
            return Err(Fault::new(codes::INVALID_PARAMS, format!("The call {call} was asked for already.")));
        }
    };
    Ok(INFO.result(&spoken, &id, result))
}

/// The result of a tool as it came.
fn result(came: ToolResult, meta: Value, era: Era) -> Result<Map<String, Value>, Fault> {
    let content = serde_json::to_value(came.content).map_err(|error| fault(&Error::internal(error)))?;
    let mut fields = Map::from_iter([("content".to_owned(), content)]);
    if let Some(structured) = came.structured.filter(|value| era == Era::Stateless || value.is_object()) {
        fields.insert("structuredContent".to_owned(), structured);
    }
    if came.is_error {
        fields.insert("isError".to_owned(), true.into());
    }
    fields.insert("_meta".to_owned(), meta);
    Ok(fields)
}

/// The result that a call was not made, or gave nothing: why, and what to do.
fn refused(refusal: &Refusal, named: &Named, era: Era) -> Map<String, Value> {
    let code = refusal.code.name();
    let approval = refusal.approval.as_ref().map(|asked| &asked.outcome);
    let recorded = refusal.recorded.as_ref();
    let retry_after = refusal.retry_after.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    let mut text = match refusal.field.as_ref() {
        "" => format!("{} ({code})", refusal.message),
        field => format!("{field}: {} ({code})", refusal.message),
    };
    for (path, problem) in &refusal.others {
        text += &format!("\n{path}: {problem}");
    }
    if let Some(approval) = approval {
        text += &format!(
            "\nOnce it is approved, repeat the same call with _meta: {{\"{APPROVAL_META}\": \"{}\"}}.",
            approval.id
        );
    }
    if let Some(seconds) = retry_after {
        text += &format!("\nTry again in {seconds} seconds.");
    }
    let problems = refusal.others.iter().map(|(path, message)| json!({ "path": path, "message": message }));
    let structured = json!({
        "code": code,
        "message": refusal.message,
        "field": Some(refusal.field.as_ref()).filter(|field| !field.is_empty()),
        "problems": problems.collect::<Vec<_>>(),
        "decisionId": recorded.and_then(|call| call.decision_id),
        "approvalId": approval.map(|approval| approval.id),
        "retryAfterSeconds": retry_after,
    });
    let meta = json!({ "trellis/callId": recorded.map(|call| call.id), "trellis/refusal": structured });
    let mut fields = Map::from_iter([
        ("content".to_owned(), json!([{ "type": "text", "text": text }])),
        ("isError".to_owned(), true.into()),
        ("_meta".to_owned(), meta),
    ]);
    // Clients of the older era hold what is structured against the tool's own schema, also where it is an error.
    if era == Era::Stateless || !named.has_output_schema {
        fields.insert("structuredContent".to_owned(), structured);
    }
    fields
}
