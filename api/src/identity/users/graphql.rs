//! People as a client sees them, and the viewer itself.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{Context, ContextSelectionSet, InputObject, MaybeUndefined, Object, Positioned, Value};
use chrono::{DateTime, Utc};
use entity::identity::user;
use entity::ids::UserId;
use futures_util::future::BoxFuture;

use super::rules::{self, ProfileChanges};
use super::store::{People, Person};
use crate::audit::{self, AuditEntry, AuditFilter};
use crate::content::documents::{self, Document, DocumentFilter, DocumentOrder};
use crate::governance::api_keys::{self, ApiKey, ApiKeyFilter};
use crate::identity::IdentityErrorCode;
use crate::identity::deletion::AccountDeletion;
use crate::identity::mfa::MfaStatus;
use crate::identity::oauth_connections::{self, OauthConnection};
use crate::identity::sessions::{self, Session};
use crate::identity::settings::UserSettings;
use crate::payload;
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::lean::write_whole;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::platform::written::Writing;
use crate::tenancy::context;
use crate::tenancy::invitations::{self, ReceivedInvitation};
use crate::tenancy::organizations::{self, Organization};
use crate::tenancy::plans::PlanSubscription;
use crate::tenancy::single_sign_on;
use crate::tenancy::spaces::{self, Space};

/// A person.
#[derive(Clone, Debug)]
pub struct User(Arc<Person>);

impl Node for User {
    fn at_hand(
        &self,
        ctx: &ContextSelectionSet<'_>,
        name: &str,
        _field: &Positioned<Field>,
        writing: &mut Writing,
    ) -> bool {
        match name {
            "id" => writing.plain(self.0.user.id),
            "name" => writing.text(self.0.user.name.as_str()),
            "email" => writing.text(self.shown_email(ctx.request())),
            "avatarUrl" => writing.text(self.0.user.avatar_url.as_deref()),
            _ => return false,
        }
        true
    }
}

impl User {
    /// The person, if the viewer knows it.
    pub async fn find(request: &Request, id: UserId) -> Result<Option<Self>> {
        let person = request.load::<People>(id).await?;
        Ok(person.filter(|person| rules::knows(&request.viewer(), person)).map(Self))
    }

    /// The person behind an object that the viewer may read, such as the owner of a document: its name is part of that object.
    pub async fn find_through(request: &Request, id: UserId) -> Result<Option<Self>> {
        Ok(request.load::<People>(id).await?.map(Self))
    }

    /// Loads many people, who are known then.
    pub fn load_ahead<'a>(request: &Request, ids: impl Iterator<Item = UserId>) -> BoxFuture<'a, ()> {
        let ids: HashSet<UserId> = ids.collect();
        Box::pin(request.load_ahead::<People>(ids.into_iter().collect()))
    }

    /// Writes what `find_through` finds, if that is known and has everything at hand that is asked for.
    pub fn write_known(
        ctx: &ContextSelectionSet<'_>,
        id: UserId,
        field: &Positioned<Field>,
        writing: &mut Writing,
    ) -> bool {
        match ctx.request().known::<People>(&id) {
            Some(Some(person)) => write_whole(ctx, &Self(person), &field.node.selection_set.node, writing),
            Some(None) => {
                writing.value(&Value::Null);
                true
            }
            None => false,
        }
    }

    fn shown_email(&self, request: &Request) -> Option<&str> {
        rules::knows(&request.viewer(), &self.0).then_some(self.0.user.email.as_str())
    }
}

/// A person. What is not public is null unless you share an organization with them.
#[Object]
impl User {
    /// The id of the person.
    pub async fn id(&self) -> UserId {
        self.0.user.id
    }

    /// The name they are shown with.
    async fn name(&self) -> &str {
        &self.0.user.name
    }

    /// Their e-mail address. Null unless it is you or you share an organization.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        self.shown_email(ctx.request())
    }

    /// Their first name; null when they gave none.
    async fn first_name(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.user.first_name.as_deref().filter(|_| rules::knows(&ctx.request().viewer(), &self.0))
    }

    /// Their last name; null when they gave none.
    async fn last_name(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.user.last_name.as_deref().filter(|_| rules::knows(&ctx.request().viewer(), &self.0))
    }

    /// The company they say they work for; null for none.
    async fn company(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.user.company.as_deref().filter(|_| rules::knows(&ctx.request().viewer(), &self.0))
    }

    /// What they say of themselves; null for nothing.
    async fn bio(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.user.bio.as_deref().filter(|_| rules::knows(&ctx.request().viewer(), &self.0))
    }

    /// The address of their picture; null for none.
    async fn avatar_url(&self) -> Option<&str> {
        self.0.user.avatar_url.as_deref()
    }

    /// Their time zone, as an IANA name; null for those who share no organization with them.
    async fn timezone(&self, ctx: &Context<'_>) -> Option<&str> {
        rules::knows(&ctx.request().viewer(), &self.0).then_some(self.0.user.timezone.as_str())
    }
}

/// You: the account, and where its things are.
pub struct ViewerObject(pub UserId);

/// You: your account, and where your things are. With an API key, what that may see of its creator's.
#[Object(name = "Viewer")]
impl ViewerObject {
    /// Your account as others see it.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        let request = ctx.request();
        let missing = match request.viewer().key() {
            Some(_) => Error::Forbidden,
            None => Error::Unauthenticated,
        };
        User::find(request, self.0).await?.ok_or(missing)
    }

    /// Whether your e-mail address is verified.
    async fn email_verified(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.request().get::<user::Entity>(self.0).await?.email_verified)
    }

    /// Your locale, such as "en-US".
    async fn locale(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(ctx.request().get::<user::Entity>(self.0).await?.locale.clone())
    }

    /// Counts the changes of your profile; give it as expectedVersion.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(ctx.request().get::<user::Entity>(self.0).await?.version)
    }

    /// When you signed up.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime<Utc>> {
        Ok(ctx.request().get::<user::Entity>(self.0).await?.created_at)
    }

    /// Your preferences; null only when they cannot be read. Not for API keys.
    async fn settings(&self, ctx: &Context<'_>) -> Result<Option<UserSettings>> {
        ctx.request().viewer().in_person()?;
        UserSettings::of_viewer(ctx.request(), self.0).await
    }

    /// What you have subscribed to yourself, apart from your organizations, with its limits and what is used of them.
    async fn subscription(&self, ctx: &Context<'_>) -> Result<PlanSubscription> {
        PlanSubscription::of_viewer(ctx.request(), self.0).await
    }

    /// What deleting your account would do. Not for API keys.
    async fn account_deletion(&self, ctx: &Context<'_>) -> Result<AccountDeletion> {
        ctx.request().viewer().in_person()?;
        Ok(AccountDeletion(self.0))
    }

    /// Your second factor. Not for API keys.
    async fn mfa(&self, ctx: &Context<'_>) -> Result<MfaStatus> {
        ctx.request().viewer().in_person()?;
        Ok(MfaStatus(self.0))
    }

    /// Your live sessions, the one that was used last first. None for an API key.
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Session>> {
        sessions::of_viewer(ctx.request(), Page::new(first, after, last, before)?).await
    }

    /// Your accounts at identity providers, by which you can sign in, in the order they were linked. None for an API key.
    async fn oauth_connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<OauthConnection>> {
        oauth_connections::of_viewer(ctx.request(), Page::new(first, after, last, before)?).await
    }

    /// The ids of the identity providers to sign in with, to reach those of your organizations that this session does not
    /// reach because they enforce single sign-on.
    async fn sign_ins_needed(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        single_sign_on::providers_needed(ctx.request()).await
    }

    /// The API key that asks; null for a person.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>> {
        api_keys::of_viewer(ctx.request()).await
    }

    /// Your personal API keys, the newest first. For an API key, with the scope keys:read.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only keys that meet this.")] filter: Option<ApiKeyFilter>,
    ) -> Result<Connection<ApiKey>> {
        api_keys::of_user(ctx.request(), self.0, Page::new(first, after, last, before)?, filter).await
    }

    /// The personal space you got at sign-up; null when it is deleted.
    async fn personal_space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        spaces::personal(ctx.request(), self.0).await
    }

    /// The organization this session works in; null when none was chosen, or you have no access to it any more.
    async fn active_organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        context::active_organization(ctx.request()).await
    }

    /// The space this session works in; null when none was chosen, or you have no access to it any more.
    async fn active_space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        context::active_space(ctx.request()).await
    }

    /// The organizations you are a member of, by name.
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Organization>> {
        organizations::of_viewer(ctx.request(), Page::new(first, after, last, before)?).await
    }

    /// The invitations to your address that are good, the newest first. None before you have confirmed your address.
    async fn received_invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ReceivedInvitation>> {
        invitations::of_viewer(ctx.request(), Page::new(first, after, last, before)?).await
    }

    /// The documents and notes you own, in every space you have access to.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only documents that meet this.")] filter: Option<Box<DocumentFilter>>,
        #[graphql(desc = "The order of the list.", default)] order_by: DocumentOrder,
    ) -> Result<Connection<Document>> {
        let page = Page::new(first, after, last, before)?;
        documents::of_owner(ctx.request(), self.0, documents::List::new(page, filter, order_by)?).await
    }

    /// What was done to your account and in your own spaces, the newest first. What you did in an organization is in its log.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only entries that meet this.")] filter: Option<AuditFilter>,
    ) -> Result<Connection<AuditEntry>> {
        audit::of_user(ctx.request(), self.0, Page::new(first, after, last, before)?, filter).await
    }
}

/// The viewer of the graph.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// You, or null when nobody is signed in. With an API key, whoever created it.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<ViewerObject> {
        ctx.request().viewer().user_id().map(ViewerObject)
    }
}

/// Changes of your profile. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct ProfileUpdateInput {
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The name you are shown with, 1 to 255 characters.
    name: Option<String>,
    /// Your first name, up to 100 characters.
    first_name: MaybeUndefined<String>,
    /// Your last name, up to 100 characters.
    last_name: MaybeUndefined<String>,
    /// The company you work for, up to 255 characters.
    company: MaybeUndefined<String>,
    /// What you say of yourself, up to 2,000 characters.
    bio: MaybeUndefined<String>,
    /// The https address of your picture.
    avatar_url: MaybeUndefined<String>,
    /// Your time zone, as an IANA name such as "Europe/Berlin".
    timezone: Option<String>,
    /// Your locale, such as "en-US".
    locale: Option<String>,
}

payload! {
    /// What changing your profile ended with.
    ProfileUpdatePayload {
        /// You, also after a CONFLICT; null when it was refused for another reason.
        viewer: ViewerObject, IdentityErrorCode
    }
}

/// Changes of your own account.
#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Changes your own profile.
    async fn profile_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ProfileUpdateInput,
    ) -> Result<ProfileUpdatePayload> {
        let request = ctx.request();
        let changes = ProfileChanges {
            name: input.name,
            first_name: checks::text_change(input.first_name),
            last_name: checks::text_change(input.last_name),
            company: checks::text_change(input.company),
            bio: checks::text_change(input.bio),
            avatar_url: checks::text_change(input.avatar_url),
            timezone: input.timezone,
            locale: input.locale,
        };
        let result = rules::update_profile(request, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(|user| ViewerObject(user.id));
        if outcome.refused_as(IdentityErrorCode::Conflict) {
            outcome.object = request.viewer().user_id().map(ViewerObject);
        }
        Ok(outcome.into())
    }
}
