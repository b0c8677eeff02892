//! The one write path: a transaction that knows its actor, locks and checks what it touches, and commits rows,
//! audit, events and the idempotent outcome together or not at all.

use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{ActiveModelBehavior, ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, ModelTrait};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::authorization::{
    Action, ActionSet, Authority, Granted, Read, Resource, SystemAuthority, ViewerAuthority, lock_and_check, permitted,
    system, viewer_itself,
};
use super::background::Place;
use super::errors::{Error, Result};
use super::idempotency::Idempotency;
use super::mail::Letter;
use super::outbox::{self, Event};
use super::request::{OpenWrite, Request};
use super::viewer::{Actor, Held, Hold, Viewer, hold};

/// An open write.
#[derive(Debug)]
pub struct Write<'a> {
    request: &'a Request,
    transaction: DatabaseTransaction,
    idempotency: Option<&'a Idempotency>,
    viewer: Viewer,
    changes_grants: bool,
    events: Vec<outbox::Row>,
    letters: Vec<Letter>,
    open: OpenWrite<'a>,
    turn: Option<Place>,
}

impl<'a> Write<'a> {
    /// Opens the transaction. `Unauthenticated` when the viewer's session or key is over, `Forbidden` for a key that may
    /// only read, `AlreadyDone` when the request's idempotency key was carried out before.
    pub(super) async fn begin(request: &'a Request, idempotency: Option<&'a Idempotency>, with: Hold) -> Result<Self> {
        let mut known = request.viewer();
        let (actor_type, actor_id) = known.actor();
        let actor: Actor = [
            actor_type.into(),
            actor_id.map(|id| id.to_string()).unwrap_or_default().into(),
            request.id.to_string().into(),
            request.origin.ip.map(|ip| ip.to_string()).unwrap_or_default().into(),
            request.origin.user_agent.clone().unwrap_or_default().into(),
        ];
        let turn = match known.user_id() {
            Some(id) => Some(request.platform.turns.take(id.uuid()).await),
            None => None,
        };
        let (transaction, viewer) = loop {
            if known.key().is_some_and(|key| !key.scopes.may_write()) {
                return Err(Error::Forbidden);
            }
            let transaction = request.platform.database.begin().await?;
            match hold(&transaction, &known, actor.clone(), with).await? {
                Held::Now(viewer) => break (transaction, viewer),
                Held::Changed(viewer) => {
                    transaction.rollback().await?;
                    known = viewer;
                }
            }
        };
        request.confirm_as(&viewer);
        if let Some(idempotency) = idempotency {
            idempotency.claim(&transaction, request.now()).await?;
        }
        Ok(Self {
            request,
            transaction,
            idempotency,
            viewer,
            changes_grants: with != Hold::Shared,
            events: Vec::new(),
            letters: Vec::new(),
            open: request.writing(),
            turn,
        })
    }

    pub fn request(&self) -> &'a Request {
        self.request
    }

    /// Who writes, with the grants that hold until the end of the write.
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// What the viewer may do with the row.
    pub fn permitted<E: Resource>(&self, row: &E::Model) -> ActionSet {
        permitted::<E>(&self.viewer, row)
    }

    /// Lists within the reach of the viewer.
    pub fn read(&self) -> Read {
        Read::new(self.viewer.clone())
    }

    /// The open transaction, for the queries of a store.
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Locks the row for change and checks the viewer's right.
    pub async fn granted<E: Resource>(&self, id: E::Id, action: Action) -> Result<Granted<E>> {
        lock_and_check(&self.transaction, &self.viewer, id, action, LockType::Update).await
    }

    /// Checks the viewer's right to add below a row and holds the row as it is, without keeping other additions out.
    pub async fn granted_parent<E: Resource>(&self, id: E::Id, action: Action) -> Result<Granted<E>> {
        lock_and_check(&self.transaction, &self.viewer, id, action, LockType::Share).await
    }

    /// Refuses nobody, before anything is looked for.
    pub fn signed_in(&self) -> Result<()> {
        match self.viewer {
            Viewer::Anonymous => Err(Error::Unauthenticated),
            Viewer::User(_) | Viewer::ApiKey(_) | Viewer::System(_) => Ok(()),
        }
    }

    /// The viewer acting for itself, which a key never does.
    pub fn as_viewer(&self) -> Result<ViewerAuthority> {
        viewer_itself(&self.viewer)
    }

    /// The server acting by itself. Says why.
    pub fn as_system(&self, reason: &'static str) -> SystemAuthority {
        system(reason)
    }

    /// Adds a row.
    #[expect(clippy::disallowed_methods, reason = "the one place that adds a row")]
    pub async fn insert<A>(&self, _authority: &dyn Authority, row: A) -> Result<<A::Entity as EntityTrait>::Model>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        Ok(A::Entity::insert(row).exec_with_returning(&self.transaction).await?)
    }

    /// Adds rows that nobody needs back.
    #[expect(clippy::disallowed_methods, reason = "the one place that adds rows")]
    pub async fn insert_many<A>(&self, _authority: &dyn Authority, rows: Vec<A>) -> Result<()>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        if !rows.is_empty() {
            A::Entity::insert_many(rows).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }

    /// Adds the rows that are not there yet, as the conflict clause says.
    #[expect(clippy::disallowed_methods, reason = "the one place that adds rows")]
    pub async fn insert_missing<A>(&self, _authority: &dyn Authority, rows: Vec<A>, conflict: OnConflict) -> Result<()>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        if !rows.is_empty() {
            A::Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(&self.transaction).await?;
        }
        Ok(())
    }

    /// Changes the row that was granted.
    #[expect(clippy::disallowed_methods, reason = "the one place that changes a row")]
    pub async fn update<E>(&self, _granted: &Granted<E>, row: E::ActiveModel) -> Result<E::Model>
    where
        E: Resource,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        Ok(E::update(row).exec(&self.transaction).await?)
    }

    /// Changes a row that stands below a granted one.
    #[expect(clippy::disallowed_methods, reason = "the one place that changes a row")]
    pub async fn update_below<A>(&self, _authority: &dyn Authority, row: A) -> Result<<A::Entity as EntityTrait>::Model>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        Ok(A::Entity::update(row).exec(&self.transaction).await?)
    }

    /// Removes the row that was granted.
    #[expect(clippy::disallowed_methods, reason = "the one place that removes a row")]
    pub async fn delete<E>(&self, granted: Granted<E>) -> Result<()>
    where
        E: Resource,
        E::ActiveModel: Send,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        granted.into_row().delete(&self.transaction).await?;
        Ok(())
    }

    /// Adds an event; it leaves with the commit.
    pub fn record(&mut self, event: &impl Event) {
        self.events.push(outbox::Row::new(self.request, &self.viewer, event));
    }

    /// Adds a letter; it is sent after the commit.
    pub fn send(&mut self, letter: Letter) {
        self.letters.push(letter);
    }

    /// Commits rows, audit, events and outcome together. Subscribers hear of it after.
    /// Gives the outcome back with the cursor of the last event, if there was one.
    pub async fn commit<T: Serialize>(self, outcome: T) -> Result<Committed<T>> {
        let platform = &self.request.platform;
        let number = outbox::append(&self.transaction, &self.events).await?;
        let cursor = number.map(|number| platform.feed.cursor(number));
        platform.mail.enqueue(&self.transaction, &self.letters).await?;
        if let Some(idempotency) = self.idempotency {
            let outcome = serde_json::to_value(&outcome).map_err(Error::internal)?;
            idempotency.record(&self.transaction, cursor.as_deref(), outcome).await?;
        }
        // Looked up before the commit: after it, nothing may fail any more.
        let viewer = match self.changes_grants {
            true => self.viewer.granted_now(&self.transaction).await?,
            false => self.viewer.clone(),
        };
        self.transaction.commit().await?;
        drop((self.open, self.turn));
        self.request.go_on_as(viewer);
        if cursor.is_some() {
            platform.feed.poke();
        }
        if !self.letters.is_empty() {
            platform.mail.poke();
        }
        Ok(Committed { outcome, cursor })
    }
}

/// What a write ended with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Committed<T> {
    pub outcome: T,
    /// The last event of the write; a subscription that resumes from it misses nothing that came after.
    pub cursor: Option<String>,
}

/// Turns a write that was already done under its idempotency key into its first outcome.
pub fn settle<T: DeserializeOwned>(result: Result<Committed<T>>) -> Result<Committed<T>> {
    match result {
        Err(Error::AlreadyDone(outcome)) => Committed::deserialize(&*outcome).map_err(Error::internal),
        other => other,
    }
}
