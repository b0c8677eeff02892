//! Signing up.

use serde_json::json;

use crate::support::{PASSWORD, World};

#[tokio::test]
async fn signing_up_makes_a_personal_space_that_its_owner_manages() {
    let world = World::new().await;
    let input = json!({ "email": "Nora@Example.org", "password": PASSWORD, "name": "Nora" });
    let fields = "viewer { user { name email } personalSpace { id isPersonal viewerRole } }";
    let answer = world.anonymous.mutate_for("signUp", fields, input).await.well();
    assert_eq!(answer.text("signUp.viewer.user.name"), "Nora");
    assert_eq!(answer.text("signUp.viewer.user.email"), "Nora@Example.org");
    assert_eq!(answer.text("signUp.viewer.personalSpace.viewerRole"), "MANAGER");
    assert_eq!(answer.at("signUp.viewer.personalSpace.isPersonal"), true);
}
