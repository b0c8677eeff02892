//! Stores a world: every table in order, in one transaction, as the system.

use sea_orm::{ActiveModelBehavior, ActiveModelTrait, EntityTrait, IntoActiveModel, Iterable};

use super::world::World;
use crate::identity::users;
use crate::platform::authorization::SystemAuthority;
use crate::platform::errors::{Error, Result};
use crate::platform::progress::Progress;
use crate::platform::request::{Platform, Request};
use crate::platform::write::Write;

/// Why all of this may be written.
const REASON: &str = "demo data is loaded into a database that its operator owns";
/// Values that one statement may carry; PostgreSQL counts them in 16 bits.
const VALUES: usize = 60_000;
/// Rows of one statement at most, so that none comes near the time limit of a statement.
const ROWS: usize = 500;

/// Stores the world, or nothing of it.
pub async fn store(platform: &Platform, world: World, progress: &dyn Progress) -> Result<()> {
    let request = Request::as_system(platform, REASON);
    let write = request.begin_write().await?;
    let loading = Loading { authority: write.as_system(REASON), write: &write, progress };
    loading.insert(world.users).await?;
    loading.insert(world.settings).await?;
    loading.insert(world.organizations).await?;
    loading.insert(world.subscriptions).await?;
    loading.insert(world.members).await?;
    loading.insert(world.teams).await?;
    loading.insert(world.team_members).await?;
    loading.insert(world.projects).await?;
    loading.insert(world.project_members).await?;
    loading.insert(world.spaces).await?;
    loading.insert(world.space_members).await?;
    loading.insert(world.tags).await?;
    loading.insert(world.documents).await?;
    loading.insert(world.contents).await?;
    loading.insert(world.document_tags).await?;
    write.commit(()).await?;
    Ok(())
}

struct Loading<'a> {
    write: &'a Write<'a>,
    authority: SystemAuthority,
    progress: &'a dyn Progress,
}

impl Loading<'_> {
    async fn insert<M, A>(&self, models: Vec<M>) -> Result<()>
    where
        M: IntoActiveModel<A>,
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        let columns = <A::Entity as EntityTrait>::Column::iter().count();
        let most = (VALUES / columns.max(1)).clamp(1, ROWS);
        let mut models = models.into_iter();
        loop {
            let rows: Vec<A> = models.by_ref().take(most).map(IntoActiveModel::into_active_model).collect();
            let count = rows.len();
            if count == 0 {
                return Ok(());
            }
            self.write.insert_many(&self.authority, rows).await.map_err(refused)?;
            self.progress.advance(count);
        }
    }
}

/// A row that is there already means that the demo is.
fn refused(error: Error) -> Error {
    match &error {
        Error::Constraint(name) if name.ends_with("_pkey") || name.ends_with("_key") => Error::bad_input(
            "demo",
            format!("The database holds some of the demo data already ({name}); load it into an empty one."),
        ),
        _ => error,
    }
}

/// Whether the account is there.
pub async fn has_account(platform: &Platform, email: &str) -> Result<bool> {
    let request = Request::as_system(platform, "the demo user is looked up");
    Ok(users::by_email(&request.connection(), email).await?.is_some())
}

/// Whether anybody has an account.
pub async fn is_empty(platform: &Platform) -> Result<bool> {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};
    let request = Request::as_system(platform, "the demo is loaded into an empty database");
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT 1 AS found FROM identity.users LIMIT 1");
    Ok(request.connection().query_one_raw(statement).await?.is_none())
}
