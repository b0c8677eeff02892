//! Members: who may add, change and remove whom, that an owner remains, and that access ends when the membership does.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, World, typed};

/// The id of somebody's membership of acme.
async fn membership(world: &World, who: &Client) -> String {
    let sql = format!(
        "SELECT m.id FROM tenancy.members m JOIN tenancy.organizations o ON o.id = m.organization_id \
         WHERE o.slug = 'acme' AND m.user_id = '{}'",
        crate::support::uuid(&who.id)
    );
    typed("mem", world.database.row(&sql).await["id"].as_str().expect("an id"))
}

async fn owners(world: &World) -> i64 {
    let sql = "SELECT count(*) FROM tenancy.members m JOIN tenancy.organizations o ON o.id = m.organization_id \
               WHERE o.slug = 'acme' AND m.role = 'owner' AND m.status = 'active'";
    world.database.number(sql).await
}

#[tokio::test]
async fn nobody_gives_a_role_above_their_own() {
    let world = World::new().await;
    let member = membership(&world, &world.member).await;
    let raise = json!({ "id": member, "role": "OWNER" });
    world.admin.mutate("memberUpdate", raise.clone()).await.refused("ROLE_TOO_HIGH", "role");
    let own = membership(&world, &world.admin).await;
    world.admin.mutate("memberUpdate", json!({ "id": own, "role": "OWNER" })).await.refused("ROLE_TOO_HIGH", "role");
    world.admin.mutate("memberUpdate", json!({ "id": member, "role": "ADMIN" })).await.well();
    world.owner.mutate("memberUpdate", raise).await.well();
    assert_eq!(owners(&world).await, 2);
}

#[tokio::test]
async fn an_admin_cannot_touch_an_owner() {
    let world = World::new().await;
    world
        .owner
        .mutate("memberUpdate", json!({ "id": membership(&world, &world.member).await, "role": "OWNER" }))
        .await
        .well();
    let owner = membership(&world, &world.owner).await;
    let before = world.database.digest().await;
    for input in [
        json!({ "id": owner, "role": "MEMBER" }),
        json!({ "id": owner, "status": "SUSPENDED" }),
        json!({ "id": owner }),
    ] {
        assert_eq!(world.admin.mutate("memberUpdate", input).await.code(), "FORBIDDEN");
    }
    assert_eq!(world.admin.mutate("memberRemove", json!({ "id": owner })).await.code(), "FORBIDDEN");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let world = World::new().await;
    let owner = membership(&world, &world.owner).await;
    let before = world.database.digest().await;
    world.owner.mutate("organizationLeave", json!({ "organizationId": world.acme })).await.refused("LAST_OWNER", "");
    world.owner.mutate("memberUpdate", json!({ "id": owner, "role": "ADMIN" })).await.refused("LAST_OWNER", "");
    world
        .owner
        .mutate("memberUpdate", json!({ "id": owner, "status": "SUSPENDED" }))
        .await
        .refused("YOURSELF", "status");
    world.owner.mutate("memberRemove", json!({ "id": owner })).await.refused("YOURSELF", "id");
    assert_eq!(world.database.digest().await, before);
    // A second owner who is suspended does not count.
    let second = membership(&world, &world.member).await;
    world.owner.mutate("memberUpdate", json!({ "id": second, "role": "OWNER" })).await.well();
    world.owner.mutate("memberUpdate", json!({ "id": second, "status": "SUSPENDED" })).await.well();
    world.owner.mutate("organizationLeave", json!({ "organizationId": world.acme })).await.refused("LAST_OWNER", "");
    world.owner.mutate("memberUpdate", json!({ "id": second, "status": "ACTIVE" })).await.well();
    world.owner.mutate("organizationLeave", json!({ "organizationId": world.acme })).await.well();
    assert_eq!(owners(&world).await, 1);
}

#[tokio::test]
async fn an_owner_remains_whoever_leaves_at_once() {
    let world = World::new().await;
    let all = [&world.owner, &world.member, &world.editor, &world.manager];
    for who in &all[1..] {
        let id = membership(&world, who).await;
        world.owner.mutate("memberUpdate", json!({ "id": id, "role": "OWNER" })).await.well();
    }
    let leave = json!({ "organizationId": world.acme });
    let answers = join_all(all.map(|who| who.mutate("organizationLeave", leave.clone()))).await;
    assert_eq!(owners(&world).await, 1, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
    let kept = answers.iter().filter(|answer| answer.refusals() == ["LAST_OWNER"]).count();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn an_owner_remains_when_owners_turn_on_each_other() {
    let world = World::new().await;
    let (one, other) = (membership(&world, &world.owner).await, membership(&world, &world.member).await);
    for round in 0..6 {
        let promote = "UPDATE tenancy.members SET role = 'owner', status = 'active' WHERE user_id IN \
                       (SELECT id FROM identity.users WHERE email IN ('owner@acme.test', 'member@acme.test'))";
        world.database.run(promote).await;
        let (first, second) = match round % 3 {
            0 => (json!({ "id": other, "role": "MEMBER" }), json!({ "id": one, "role": "MEMBER" })),
            1 => (json!({ "id": other, "status": "SUSPENDED" }), json!({ "id": one, "status": "SUSPENDED" })),
            _ => (json!({ "id": other, "role": "VIEWER" }), json!({ "id": one, "status": "SUSPENDED" })),
        };
        futures_util::future::join(
            world.owner.mutate("memberUpdate", first),
            world.member.mutate("memberUpdate", second),
        )
        .await;
        assert_eq!(owners(&world).await, 1, "round {round}");
    }
}

#[tokio::test]
async fn a_suspended_member_loses_everything_at_once_and_gets_it_back() {
    let world = World::new().await;
    let own = world.editor.document(&world.lab, json!({ "visibility": "PRIVATE" })).await;
    let shared = world.manager.document(&world.lab, json!({})).await;
    let open = world.owner.document(&world.handbook, json!({ "visibility": "ORGANIZATION" })).await;
    let everything = [&world.acme, &world.lab, &world.handbook, &own, &shared, &open];
    let id = membership(&world, &world.editor).await;
    for (status, sees) in [("SUSPENDED", false), ("ACTIVE", true), ("SUSPENDED", false)] {
        world.admin.mutate("memberUpdate", json!({ "id": id, "status": status })).await.well();
        for thing in everything {
            assert_eq!(!world.editor.node(thing).await.is_null(), sees, "{status}: {thing}");
        }
        let update = json!({ "id": own, "title": "Changed" });
        let answer = world.editor.mutate("documentUpdate", update).await;
        if sees {
            answer.well();
        } else {
            assert_eq!(answer.code(), "NOT_FOUND");
        }
        let lists =
            "{ viewer { organizations(first: 5) { totalCount } documents(first: 5) { totalCount nodes { id } } } }";
        let answer = world.editor.query(lists, Value::Null).await.well();
        assert_eq!(answer.number("viewer.organizations.totalCount"), i64::from(sees));
        assert_eq!(answer.number("viewer.documents.totalCount"), i64::from(sees));
    }
}

#[tokio::test]
async fn who_is_removed_leaves_spaces_and_projects_too() {
    let world = World::new().await;
    world.owner.add_project_member(&world.rocket, &world.editor, "DEVELOPER").await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let id = membership(&world, &world.editor).await;
    let answer = world.admin.mutate("memberRemove", json!({ "id": id })).await.well();
    assert_eq!(answer.text("memberRemove.deletedId"), id);
    for thing in [&world.acme, &world.lab, &world.handbook, &world.rocket, &document] {
        assert!(world.editor.node(thing).await.is_null(), "{thing}");
    }
    for table in ["space_members", "project_members"] {
        let sql = format!(
            "SELECT count(*) FROM tenancy.{table} WHERE user_id = '{}'",
            crate::support::uuid(&world.editor.id)
        );
        assert_eq!(world.database.number(&sql).await, 0, "{table}");
    }
    assert_eq!(world.manager.node(&document).await["id"], document, "what they wrote remains");
    // Coming back does not bring the old roles back.
    world.owner.add_member(&world.acme, &world.editor, "MEMBER").await;
    assert!(world.editor.node(&world.lab).await.is_null());
    assert_eq!(world.editor.node(&world.handbook).await["id"], world.handbook);
}

#[tokio::test]
async fn a_changed_role_counts_from_the_next_request() {
    let world = World::new().await;
    let id = membership(&world, &world.member).await;
    let create = |slug: &str| json!({ "organizationId": world.acme, "name": slug, "slug": slug });
    world.member.mutate("spaceCreate", create("one")).await.well();
    world.admin.mutate("memberUpdate", json!({ "id": id, "role": "VIEWER" })).await.well();
    assert_eq!(world.member.mutate("spaceCreate", create("two")).await.code(), "FORBIDDEN");
    world.admin.mutate("memberUpdate", json!({ "id": id, "role": "ADMIN" })).await.well();
    world.member.mutate("spaceCreate", create("two")).await.well();
    assert_eq!(world.member.node(&world.lab).await["id"], world.lab, "admins see private spaces");
}

#[tokio::test]
async fn a_stale_membership_is_a_conflict_that_shows_the_present_one() {
    let world = World::new().await;
    let id = membership(&world, &world.member).await;
    world.admin.mutate("memberUpdate", json!({ "id": id, "role": "VIEWER", "expectedVersion": 1 })).await.well();
    let stale = json!({ "id": id, "role": "ADMIN", "expectedVersion": 1 });
    let answer = world.owner.mutate_for("memberUpdate", "member { role version }", stale).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(answer.at("memberUpdate.member"), &json!({ "role": "VIEWER", "version": 2 }));
}

#[tokio::test]
async fn members_leave_by_themselves() {
    let world = World::new().await;
    world.member.mutate("organizationLeave", json!({ "organizationId": world.acme })).await.well();
    assert!(world.member.node(&world.acme).await.is_null());
    assert_eq!(
        world.member.mutate("organizationLeave", json!({ "organizationId": world.acme })).await.code(),
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn an_owner_hands_the_organization_over_and_stays_as_an_admin() {
    let world = World::new().await;
    let heir = membership(&world, &world.member).await;
    let input = json!({ "organizationId": world.acme, "memberId": heir });
    let answer = world
        .owner
        .mutate_for("organizationTransfer", "organization { viewerRole viewerCan }", input.clone())
        .await
        .well();
    assert_eq!(answer.text("organizationTransfer.organization.viewerRole"), "ADMIN");
    assert_eq!(owners(&world).await, 1);
    let role = "{ organization(slug: \"acme\") { viewerRole } }";
    assert_eq!(world.member.query(role, Value::Null).await.well().text("organization.viewerRole"), "OWNER");
    // It is no longer theirs to give.
    assert_eq!(world.owner.mutate("organizationTransfer", input).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn an_organization_is_handed_only_to_another_active_member_of_it() {
    let world = World::new().await;
    let before = world.database.digest().await;
    let give = async |to: &str| {
        world.owner.mutate("organizationTransfer", json!({ "organizationId": world.acme, "memberId": to })).await
    };
    give(&membership(&world, &world.owner).await).await.refused("YOURSELF", "memberId");
    give(&membership(&world, &world.suspended).await).await.refused("NOT_A_MEMBER", "memberId");
    assert_eq!(give("mem_01h455vb4pex5vsknk084sn02q").await.code(), "NOT_FOUND");
    let sql = format!("SELECT id FROM tenancy.members WHERE user_id = '{}'", crate::support::uuid(&world.stranger.id));
    let theirs = typed("mem", world.database.row(&sql).await["id"].as_str().expect("an id"));
    assert_eq!(give(&theirs).await.code(), "NOT_FOUND");
    assert_eq!(world.database.digest().await, before);
    // Not even by somebody who owns both.
    world.stranger.add_member(&world.globex, &world.owner, "OWNER").await;
    let before = world.database.digest().await;
    assert_eq!(give(&theirs).await.code(), "NOT_FOUND");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn an_owner_remains_when_it_is_handed_over_while_the_heir_leaves() {
    let world = World::new().await;
    let heir = membership(&world, &world.member).await;
    for _ in 0..4 {
        futures_util::future::join(
            world.owner.mutate("organizationTransfer", json!({ "organizationId": world.acme, "memberId": heir })),
            world.member.mutate("organizationLeave", json!({ "organizationId": world.acme })),
        )
        .await;
        assert!(owners(&world).await >= 1);
        if world.member.node(&world.acme).await.is_null() {
            return;
        }
        let restore = "UPDATE tenancy.members SET role = CASE WHEN u.email = 'owner@acme.test' THEN 'owner' ELSE 'member' END \
                       FROM identity.users u WHERE u.id = user_id AND u.email IN ('owner@acme.test', 'member@acme.test')";
        world.database.run(restore).await;
    }
}

#[tokio::test]
async fn what_cannot_be_undone_takes_a_recent_proof_of_who_asks() {
    let world = World::new().await;
    let heir = membership(&world, &world.member).await;
    world.forget_proofs().await;
    let before = world.database.digest().await;
    for (mutation, input) in [
        ("memberUpdate", json!({ "id": heir, "role": "OWNER" })),
        ("invitationCreate", json!({ "organizationId": world.acme, "role": "OWNER" })),
        ("organizationUpdate", json!({ "id": world.acme, "auditRetentionDays": 1 })),
        ("organizationTransfer", json!({ "organizationId": world.acme, "memberId": heir })),
        ("organizationDelete", json!({ "id": world.acme })),
    ] {
        world.owner.mutate(mutation, input).await.refused("REAUTHENTICATION_REQUIRED", "");
    }
    assert_eq!(world.database.digest().await, before);
    world.owner.mutate("reauthenticate", json!({ "password": PASSWORD })).await.well();
    world.owner.mutate("organizationDelete", json!({ "id": world.acme })).await.well();
}
