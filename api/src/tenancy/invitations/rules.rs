//! What may happen to an invitation, and by whom.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use entity::enums::MemberRole;
use entity::identity::user;
use entity::ids::{InvitationId, OrganizationId};
use entity::tenancy::{invitation, member, organization};
use sea_orm::Condition;

use super::store::{self, Answered, NewRow};
use super::{letter, received};
use crate::identity::attempts::{self, Attempt};
use crate::identity::users;
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::clock::random_token;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::members::{self, NewMembership, Person};
use crate::tenancy::plans::{self, Counted, Owner};

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const MANAGE: ActionSet = READ.and(ActionSet::of(&[Action::Edit, Action::Delete]));

/// Days for which an invitation is good, unless its maker chooses otherwise.
const DAYS: i32 = 7;
/// Invitations of one organization that are open at once.
const MOST_OPEN: u64 = 500;

impl Resource for invitation::Entity {
    type Id = InvitationId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::MembersRead, READ), (Scope::MembersWrite, MANAGE)];

    fn id(row: &invitation::Model) -> InvitationId {
        row.id
    }

    fn id_column() -> invitation::Column {
        invitation::Column::Id
    }

    /// What was answered or taken back can only be read, and an admin leaves the invitations of owners alone.
    fn permitted(viewer: &Viewer, row: &invitation::Model) -> ActionSet {
        match viewer.organization_role(row.organization_id) {
            None | Some(MemberRole::Viewer | MemberRole::Member) => ActionSet::NONE,
            Some(own) if row.role <= own && !is_answered(row) => MANAGE,
            Some(MemberRole::Admin | MemberRole::Owner) => READ,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::of_organizations(grants.administered()))
    }
}

fn is_answered(row: &invitation::Model) -> bool {
    row.accepted_at.is_some() || row.declined_at.is_some() || row.revoked_at.is_some()
}

/// Whether the invitation can still be accepted at this moment.
pub fn is_open(row: &invitation::Model, now: DateTime<Utc>) -> bool {
    !is_answered(row) && row.expires_at > now
}

/// What a new invitation is made from.
pub struct NewInvitation {
    pub id: Option<InvitationId>,
    pub organization_id: OrganizationId,
    /// None makes a link.
    pub email: Option<String>,
    pub role: MemberRole,
    pub expires_in_days: Option<i32>,
}

/// An invitation that was made or renewed, with the one sight of its link. A link that travels by mail is not shown.
#[derive(Debug)]
pub struct Issued {
    pub invitation: Committed<invitation::Model>,
    pub link: Option<String>,
}

/// Invites somebody. What is answered, and what it takes, does not depend on whether the address has an account.
pub async fn create_invitation(request: &Request, new: NewInvitation) -> Result<Issued> {
    let user = request.user_id()?;
    let email = new.email.as_deref().map(|email| checks::email("email", email, Code::EmailInvalid)).transpose()?;
    let days = new.expires_in_days.unwrap_or(DAYS);
    if !(1..=30).contains(&days) {
        return Err(reject("expiresInDays", Code::OutOfRange, "An invitation is good for 1 to 30 days."));
    }
    let inviter = users::name_of(request, user).await?;
    let mut write = begin(request, email.is_some()).await?;
    let organization = write.granted_parent::<organization::Entity>(new.organization_id, Action::ManageMembers).await?;
    members::check_giving(&write, organization.id, new.role).await?;
    if let Some(email) = &email {
        check_domain(&organization, "email", email)?;
        if members::of_person(&write, organization.id, &Person::Email(email.clone())).await?.is_some() {
            return Err(reject("email", Code::AlreadyMember, "This person is a member already."));
        }
    }
    if store::count_open(&write, organization.id).await? >= MOST_OPEN {
        return Err(reject("", Code::TooMany, format!("At most {MOST_OPEN} invitations are open at once.")));
    }
    let attempt = Attempt::Invite { by: user, into: organization.id, email: email.as_deref() };
    attempts::count(request, attempt).await?;
    let token = random_token(&*request.platform.clock);
    let expires_at = request.now() + Duration::days(days.into());
    let row = NewRow { id: new.id, email, role: new.role, token: &token, expires_at };
    let invitation = store::insert(&write, &organization, row).await?;
    write.record(&TenancyEvent::InvitationCreated { invitation: invitation.id, organization: organization.id });
    let link = deliver(&mut write, &inviter, &organization, &invitation, &token);
    Ok(Issued { invitation: write.commit(invitation).await?, link })
}

/// Sends an invitation again, or makes its link anew: with another token, so that the earlier one is good no more.
pub async fn resend_invitation(request: &Request, id: InvitationId) -> Result<Issued> {
    let user = request.user_id()?;
    let email = request.get::<invitation::Entity>(id).await?.email.clone();
    let inviter = users::name_of(request, user).await?;
    let mut write = begin(request, email.is_some()).await?;
    let (organization, invitation) = lock(&write, id, Action::Edit).await?;
    members::check_giving(&write, organization.id, invitation.role).await?;
    let attempt = Attempt::Invite { by: user, into: organization.id, email: email.as_deref() };
    attempts::count(request, attempt).await?;
    // It is then good as long as it was at first.
    let life = invitation.expires_at - invitation.last_sent_at;
    let token = random_token(&*request.platform.clock);
    let renewed = store::renew(&write, &invitation, &token, request.now() + life).await?;
    write.record(&TenancyEvent::InvitationUpdated { invitation: id, organization: organization.id });
    let link = deliver(&mut write, &inviter, &organization, &renewed, &token);
    Ok(Issued { invitation: write.commit(renewed).await?, link })
}

/// Takes an invitation back: its token is good no more.
pub async fn revoke_invitation(request: &Request, id: InvitationId) -> Result<Committed<invitation::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let (organization, invitation) = lock(&write, id, Action::Delete).await?;
    let revoked = store::revoke(&write, &invitation).await?;
    write.record(&TenancyEvent::InvitationUpdated { invitation: id, organization: organization.id });
    write.commit(revoked).await
}

/// An answer that shows a link must not be kept for a retry.
async fn begin(request: &Request, by_mail: bool) -> Result<Write<'_>> {
    if by_mail { request.begin_write_of_grants().await } else { request.begin_unrepeatable_write().await }
}

/// Holds the organization, and then locks the invitation: in the same order as whoever answers it.
async fn lock(
    write: &Write<'_>,
    id: InvitationId,
    action: Action,
) -> Result<(Granted<organization::Entity>, Granted<invitation::Entity>)> {
    // Whoever is not signed in is told so, before anything is looked for.
    write.signed_in()?;
    let found = store::visible(write, id).await?.ok_or(Error::NotFound)?;
    let organization =
        write.granted_parent::<organization::Entity>(found.organization_id, Action::ManageMembers).await?;
    Ok((organization, write.granted::<invitation::Entity>(id, action).await?))
}

/// Sends the letter, or gives the link to whoever makes it.
fn deliver(
    write: &mut Write<'_>,
    inviter: &str,
    organization: &organization::Model,
    invitation: &invitation::Model,
    token: &str,
) -> Option<String> {
    let link = write.request().platform.config.page("invitation", token);
    let Some(address) = &invitation.email else { return Some(link) };
    write.send(letter::inviting(address, inviter, organization, invitation, link));
    None
}

/// An organization may let in only addresses of its own domains.
fn check_domain(organization: &organization::Model, field: &'static str, email: &str) -> Result<()> {
    let allowed = &organization.allowed_email_domains;
    let domain = email.rsplit('@').next().unwrap_or_default();
    if allowed.is_empty() || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain)) {
        return Ok(());
    }
    Err(reject(field, Code::DomainNotAllowed, "The organization does not let in addresses of this domain."))
}

/// An invitation by mail is for the account of its address; one by link for any, whose address is proved where it matters.
fn check_account(answer: &Answer, good: &Good<'_>, account: &user::Model) -> Result<()> {
    check_domain(good.organization, answer.field(), &account.email)?;
    match &good.invitation.email {
        Some(email) if !email.eq_ignore_ascii_case(&account.email) => {
            Err(reject("token", Code::OtherAddress, "This invitation is for an account with another address."))
        }
        None if !good.organization.allowed_email_domains.is_empty() && !account.email_verified => {
            Err(reject("token", Code::DomainNotAllowed, "Confirm your address first: the organization asks for it."))
        }
        Some(_) | None => Ok(()),
    }
}

/// What an invitation tells whoever holds its token, also before signing in, and nothing else.
pub struct Preview {
    pub organization_name: String,
    pub role: MemberRole,
    pub inviter_name: String,
}

/// The invitation of a token while it is good.
pub async fn preview(request: &Request, token: &str) -> Result<Option<Preview>> {
    let Some(found) = store::by_token(&request.connection(), token).await? else { return Ok(None) };
    Ok(found.if_good(request.now()).map(|good| Preview {
        organization_name: good.organization.name.clone(),
        role: good.invitation.role,
        inviter_name: good.inviter.name.clone(),
    }))
}

/// An invitation with what decides whether it is good.
pub struct Found {
    pub invitation: invitation::Model,
    pub organization: Option<organization::Model>,
    pub inviter: Option<(user::Model, member::Model)>,
}

struct Good<'a> {
    invitation: &'a invitation::Model,
    organization: &'a organization::Model,
    inviter: &'a user::Model,
}

impl Found {
    /// Good is what is open, into an organization that lives, from somebody who may still give this role there.
    fn if_good(&self, now: DateTime<Utc>) -> Option<Good<'_>> {
        let organization = self.organization.as_ref()?;
        let (inviter, membership) = self.inviter.as_ref()?;
        let may_invite = membership.role >= MemberRole::Admin && membership.role >= self.invitation.role;
        (is_open(&self.invitation, now) && may_invite).then_some(Good {
            invitation: &self.invitation,
            organization,
            inviter,
        })
    }
}

/// How somebody names the invitation that they answer.
#[derive(Debug)]
pub enum Answer {
    /// Holding the token is the right to answer.
    Token(String),
    /// The viewer's confirmed address is.
    Id(InvitationId),
}

impl Answer {
    /// Who answers by an address must have confirmed it.
    async fn address(&self, request: &Request) -> Result<Option<Arc<user::Model>>> {
        match self {
            Self::Token(_) => Ok(None),
            Self::Id(_) => received::confirmed_account(request).await?.ok_or_else(|| self.not_good()).map(Some),
        }
    }

    const fn field(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Id(_) => "id",
        }
    }

    fn not_good(&self) -> Error {
        reject(self.field(), Code::InvitationInvalid, "This invitation is not good any more. Ask for another one.")
    }
}

/// Locks the invitation that is answered, good or not.
async fn lock_answered(write: &Write<'_>, answer: &Answer, address: Option<&user::Model>) -> Result<Found> {
    let answered = match (answer, address) {
        (Answer::Token(token), _) => Answered::WithToken(token),
        (Answer::Id(id), Some(account)) => Answered::ToAddress { id: *id, email: &account.email },
        (Answer::Id(_), None) => return Err(answer.not_good()),
    };
    store::lock_answered(write, &answered).await?.ok_or_else(|| answer.not_good())
}

/// Makes the viewer a member. An invitation by mail is good only for the account with its address.
pub async fn accept_invitation(request: &Request, answer: &Answer) -> Result<Committed<member::Model>> {
    let user_id = request.user_id()?;
    request.viewer().in_person()?;
    attempts::count(request, Attempt::Link).await?;
    let address = answer.address(request).await?;
    let account = request.get::<user::Entity>(user_id).await?;
    let mut write = request.begin_write_of_grants().await?;
    let found = lock_answered(&write, answer, address.as_deref()).await?;
    let good = found.if_good(request.now()).ok_or_else(|| answer.not_good())?;
    check_account(answer, &good, &account)?;
    let membership = NewMembership {
        organization_id: good.organization.id,
        user_id,
        role: good.invitation.role,
        invited: Some((good.inviter.id, good.invitation.created_at)),
    };
    plans::check_room(&write, Owner::Organization(good.organization.id), Counted::Members, 1, answer.field()).await?;
    let authority = write.as_system("the token of an invitation is the grant");
    let member = members::insert(&write, &authority, membership).await?;
    store::accept(&write, &authority, good.invitation, user_id).await?;
    let (invitation, organization) = (good.invitation.id, good.organization.id);
    write.record(&TenancyEvent::InvitationUpdated { invitation, organization });
    write.record(&TenancyEvent::MemberAdded { organization, user: user_id });
    write.commit(member).await
}

/// Says no to an invitation by mail. Holding the token is enough; who has no account need not make one for it.
pub async fn decline_invitation(request: &Request, answer: &Answer) -> Result<Committed<()>> {
    attempts::count(request, Attempt::Link).await?;
    let address = answer.address(request).await?;
    let mut write = request.begin_write_of_grants().await?;
    let found = lock_answered(&write, answer, address.as_deref()).await?;
    let good = found.if_good(request.now()).ok_or_else(|| answer.not_good())?;
    if good.invitation.email.is_none() {
        return Err(reject("token", Code::OtherAddress, "A link is for anybody. Leave it unused."));
    }
    let authority = write.as_system("the token of an invitation is the grant");
    store::decline(&write, &authority, good.invitation).await?;
    let (invitation, organization) = (good.invitation.id, good.organization.id);
    write.record(&TenancyEvent::InvitationUpdated { invitation, organization });
    write.commit(()).await
}
