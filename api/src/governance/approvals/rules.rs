//! Who may read, answer and take back a request for approval.

use chrono::TimeDelta;
use entity::enums::{ApprovalState, ProjectRole};
use entity::governance::approval;
use entity::ids::{ApiKeyId, ApprovalId};
use sea_orm::Condition;

use super::events::ApprovalEvent;
use super::{letters, store};
use crate::governance::GovernanceErrorCode as Code;
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, readable_records};
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

const READER: ActionSet = ActionSet::of(&[Action::Read]);
const ASKER: ActionSet = READER.and(ActionSet::of(&[Action::Withdraw]));
const DECIDER: ActionSet = READER.and(ActionSet::of(&[Action::Decide]));

impl Resource for approval::Entity {
    type Id = ApprovalId;
    /// Who calls looks after what it asked for.
    const SCOPES: &'static [(Scope, ActionSet)] =
        &[(Scope::ApprovalsRead, READER), (Scope::ApprovalsWrite, ASKER.and(DECIDER)), (Scope::ToolsCall, READER)];

    fn id(row: &approval::Model) -> ApprovalId {
        row.id
    }

    fn id_column() -> approval::Column {
        approval::Column::Id
    }

    /// Who asked takes it back and never answers; everybody else who administers the project answers, once.
    fn permitted(viewer: &Viewer, row: &approval::Model) -> ActionSet {
        let is_own = Some(row.requested_by) == viewer.user_id();
        match (viewer.project_role(row.project_id), is_own, row.state) {
            (None, _, _) => ActionSet::NONE,
            (Some(_), true, ApprovalState::Pending | ApprovalState::Approved) => ASKER,
            (Some(ProjectRole::Admin), false, ApprovalState::Pending) => DECIDER,
            (Some(_), true, _) | (Some(ProjectRole::Admin), false, _) => READER,
            (Some(ProjectRole::Viewer | ProjectRole::Developer), false, _) => ActionSet::NONE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        readable_records(viewer, approval::Column::ProjectId, approval::Column::RequestedBy)
    }
}

/// The key that the viewer is; none for a person.
pub(super) fn key_of(viewer: &Viewer) -> Option<ApiKeyId> {
    viewer.key().map(|key| key.id)
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Approve,
    Deny,
}

/// Answers a request for approval. An approval is good for as long again as one is asked for.
pub async fn answer(
    request: &Request,
    id: ApprovalId,
    answer: Answer,
    reason: Option<String>,
) -> Result<Committed<approval::Model>> {
    let reason = checks::optional_text("reason", reason, 2_000, Code::TextInvalid)?;
    let mut write = request.begin_write().await?;
    let approval = unexpired(&write, id, Action::Decide).await?;
    let (state, expires_at) = match answer {
        Answer::Approve => {
            let minutes = store::approval_minutes(&write, approval.organization_id).await?;
            (ApprovalState::Approved, Some(request.now() + TimeDelta::minutes(minutes.into())))
        }
        Answer::Deny => (ApprovalState::Denied, None),
    };
    let answered = store::answer(&write, &approval, state, reason, expires_at).await?;
    if let Some(asker) = store::person(&write, answered.requested_by).await? {
        write.send(letters::answered(&asker, &answered));
    }
    write.record(&ApprovalEvent::of(&answered));
    write.commit(answered).await
}

/// Takes a request back, or an approval that was not used.
pub async fn withdraw(request: &Request, id: ApprovalId) -> Result<Committed<approval::Model>> {
    let mut write = request.begin_write().await?;
    let approval = unexpired(&write, id, Action::Withdraw).await?;
    let withdrawn = store::withdraw(&write, &approval).await?;
    write.record(&ApprovalEvent::of(&withdrawn));
    write.commit(withdrawn).await
}

async fn unexpired(write: &Write<'_>, id: ApprovalId, action: Action) -> Result<Granted<approval::Entity>> {
    let approval = write.granted::<approval::Entity>(id, action).await?;
    if approval.expires_at <= write.request().now() {
        return Err(reject("id", Code::Expired, "The time of this request is over."));
    }
    Ok(approval)
}
