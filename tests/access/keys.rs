//! Programs: what their keys see and change, beside the people of the matrix.

use super::matrix::{attempt, changes, sights};
use super::rows;
use super::scene::Scene;
use crate::support::Client;

fn viewers(scene: &Scene) -> Vec<(&'static str, &Client)> {
    scene.programs.iter().map(|(name, client)| (*name, client)).collect()
}

fn program<'a>(scene: &'a Scene, named: &str) -> &'a Client {
    let found = scene.programs.iter().find(|(name, _)| *name == named);
    &found.unwrap_or_else(|| panic!("no program {named}")).1
}

#[tokio::test]
async fn what_programs_see() {
    let scene = Scene::new().await;
    insta::assert_snapshot!(sights(&scene, &viewers(&scene)).await.render());
}

#[tokio::test]
async fn what_programs_change() {
    let scene = Scene::new().await;
    insta::assert_snapshot!(changes(&scene, &viewers(&scene)).await.render());
}

/// Tries every mutation that there is, and sees each refused.
async fn refused_everything(named: &str) {
    let scene = Scene::new().await;
    let program = program(&scene, named);
    let mut before = scene.world.database.digest().await;
    for change in rows::changes() {
        let place = format!("{named}: {} {}", change.field, change.on);
        let outcome = attempt(&scene, program, change, &mut before, &place).await;
        assert!(["no", "-"].contains(&outcome.as_str()), "{place}: {outcome}");
    }
}

#[tokio::test]
async fn a_key_without_scopes_is_refused_every_mutation() {
    refused_everything("no scopes").await;
}

#[tokio::test]
async fn a_key_that_may_only_read_writes_nothing() {
    refused_everything("reading").await;
}
