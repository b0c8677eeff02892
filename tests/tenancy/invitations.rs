//! Invitations: by mail and by link, good once, for whom they are meant, as long as who invites may.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World, alike, times, typed, uuid};

const FIELDS: &str = "invitation { id kind email role state expiresAt viewerCan } link";

async fn invite(client: &Client, world: &World, mut input: Value) -> Answer {
    input["organizationId"] = json!(world.acme);
    client.mutate_for("invitationCreate", FIELDS, input).await
}

/// The token of a new link.
async fn link(world: &World, role: &str) -> (String, String) {
    let answer = invite(&world.owner, world, json!({ "role": role })).await.well();
    let token = answer.text("invitationCreate.link").split_once('#').expect("a token").1.to_owned();
    (answer.text("invitationCreate.invitation.id").to_owned(), token)
}

/// The token of a new letter to the address.
async fn letter(world: &World, email: &str) -> (String, String) {
    let answer = invite(&world.admin, world, json!({ "email": email, "role": "MEMBER" })).await.well();
    assert!(answer.at("invitationCreate.link").is_null(), "the link goes to the address alone: {}", answer.body);
    let count = world.server.letters().to(email).len().max(1);
    let token = world.server.letters().last_of(count, email).await.token();
    (answer.text("invitationCreate.invitation.id").to_owned(), token)
}

async fn accept(client: &Client, token: &str) -> Answer {
    let fields = "member { role status user { id } invitedBy { name } invitedAt acceptedAt }";
    client.mutate_for("invitationAccept", fields, json!({ "token": token })).await
}

/// What the token shows to nobody in particular.
async fn preview(world: &World, token: &str) -> Value {
    let query = "query($token: String!) { invitation(token: $token) { organizationName role inviterName } }";
    world.anonymous.query(query, json!({ "token": token })).await.well().at("invitation").clone()
}

async fn state(world: &World, id: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Invitation { state } } }";
    world.owner.query(query, json!({ "id": id })).await.well().at("node.state").clone()
}

#[tokio::test]
async fn a_letter_lets_in_the_account_with_its_address_once() {
    let world = World::new().await;
    let (id, token) = letter(&world, "Stranger@ACME.test").await;
    assert_eq!(state(&world, &id).await, "OPEN");
    assert!(world.stranger.node(&world.acme).await.is_null());
    let answer = accept(&world.stranger, &token).await.well();
    let member = answer.at("invitationAccept.member");
    assert_eq!((&member["role"], &member["status"]), (&json!("MEMBER"), &json!("ACTIVE")));
    assert_eq!((&member["user"]["id"], &member["invitedBy"]["name"]), (&json!(world.stranger.id), &json!("admin")));
    assert!(member["invitedAt"].is_string() && member["acceptedAt"].is_string());
    assert_eq!(world.stranger.node(&world.handbook).await["id"], world.handbook, "access begins at once");
    assert_eq!(state(&world, &id).await, "ACCEPTED");
    accept(&world.stranger, &token).await.refused("INVITATION_INVALID", "token");
    assert!(preview(&world, &token).await.is_null());
}

#[tokio::test]
async fn a_letter_is_for_nobody_else_whoever_holds_it() {
    let world = World::new().await;
    let (_, token) = letter(&world, "nora@example.org").await;
    let before = world.database.digest().await;
    accept(&world.stranger, &token).await.refused("OTHER_ADDRESS", "token");
    assert_eq!(accept(&world.anonymous, &token).await.code(), "UNAUTHENTICATED");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn nothing_tells_whether_an_address_has_an_account() {
    let world = World::new().await;
    let known = invite(&world.admin, &world, json!({ "email": "stranger@acme.test", "role": "MEMBER" })).await.well();
    let unknown = invite(&world.admin, &world, json!({ "email": "nobody99@acme.test", "role": "MEMBER" })).await.well();
    let same = |answer: &Answer| {
        let mut payload = answer.payload().clone();
        for field in ["id", "email", "expiresAt"] {
            payload["invitation"][field] = Value::Null;
        }
        payload["commitCursor"] = Value::Null;
        payload
    };
    assert_eq!(same(&known), same(&unknown));
    assert_eq!(known.statements(), unknown.statements());
    let again = async |email: &str| invite(&world.admin, &world, json!({ "email": email, "role": "MEMBER" })).await;
    assert_eq!(again("stranger@acme.test").await.body, again("nobody99@acme.test").await.body);
    again("stranger@acme.test").await.refused("ALREADY_INVITED", "email");
    // Of the organization's own people it is known.
    again("member@acme.test").await.refused("ALREADY_MEMBER", "email");
    // The letters differ in nothing but the link.
    let mut letters = Vec::new();
    for email in ["stranger@acme.test", "nobody99@acme.test"] {
        let letter = world.server.letters().last_of(1, email).await;
        letters.push((letter.subject.clone(), letter.text.replace(&letter.token(), "TOKEN")));
    }
    assert_eq!(letters[0], letters[1]);
}

#[tokio::test]
async fn inviting_takes_as_long_for_an_unknown_address() {
    let world = World::new().await;
    let accounts = "INSERT INTO identity.users (id, email, name) \
                    SELECT gen_random_uuid(), 'known' || number || '@example.org', 'Known' FROM generate_series(0, 40) AS number";
    world.database.run(accounts).await;
    let ask = async |email: String| {
        invite(&world.admin, &world, json!({ "email": email, "role": "MEMBER" })).await.well();
    };
    ask("warm@example.org".to_owned()).await;
    let known = async |round: usize| ask(format!("known{round}@example.org")).await;
    let unknown = async |round: usize| ask(format!("nobody{round}@example.org")).await;
    alike(times(41, known, unknown).await);
}

#[tokio::test]
async fn one_address_is_not_written_to_again_and_again() {
    let world = World::new().await;
    let (id, _) = letter(&world, "nora@example.org").await;
    let resend = async |client: &Client| client.mutate("invitationResend", json!({ "id": id })).await;
    for _ in 0..4 {
        resend(&world.owner).await.well();
    }
    // Whoever of the organization asks for it. Another one is not kept from it.
    let query = "mutation($id: ID!) { invitationResend(input: { id: $id }) { userErrors { code retryAfterSeconds } } }";
    let refused = world.admin.query(query, json!({ "id": id })).await;
    assert_eq!(refused.refusals(), ["RATE_LIMITED"], "{}", refused.body);
    assert!(refused.number("invitationResend.userErrors.0.retryAfterSeconds") > 0, "{}", refused.body);
    let input = json!({ "organizationId": world.globex, "email": "Nora@example.org", "role": "VIEWER" });
    world.stranger.mutate("invitationCreate", input).await.well();
    // Others can be written to, and the address can still have its password reset.
    letter(&world, "omar@example.org").await;
    let reset = json!({ "email": "nora@example.org" });
    world.anonymous.mutate("passwordResetRequest", reset).await.well();
}

#[tokio::test]
async fn a_token_shows_the_organization_the_role_and_who_invites_while_it_is_good() {
    let world = World::new().await;
    let shown = json!({ "organizationName": "acme", "role": "VIEWER", "inviterName": "owner" });
    for (what, by) in [
        ("revoked", "UPDATE tenancy.invitations SET revoked_at = now() WHERE accepted_at IS NULL"),
        (
            "expired",
            "UPDATE tenancy.invitations SET created_at = now() - interval '9 days', expires_at = now() - interval '1 second' WHERE revoked_at IS NULL AND accepted_at IS NULL",
        ),
        (
            "its inviter may no longer",
            "UPDATE tenancy.members SET role = 'member' FROM identity.users u WHERE u.id = user_id AND u.email = 'owner@acme.test'",
        ),
        (
            "its inviter is suspended",
            "UPDATE tenancy.members SET role = 'owner', status = 'suspended' FROM identity.users u WHERE u.id = user_id AND u.email = 'owner@acme.test'",
        ),
        ("the organization is suspended", "UPDATE tenancy.organizations SET status = 'suspended' WHERE slug = 'acme'"),
    ] {
        world.database.run("UPDATE tenancy.members SET status = 'active' FROM identity.users u WHERE u.id = user_id AND u.email = 'owner@acme.test'").await;
        world.database.run("UPDATE tenancy.members SET role = 'owner' FROM identity.users u WHERE u.id = user_id AND u.email = 'owner@acme.test'").await;
        let (_, token) = link(&world, "VIEWER").await;
        assert_eq!(preview(&world, &token).await, shown, "{what}");
        world.database.run(by).await;
        assert!(preview(&world, &token).await.is_null(), "{what}");
        let members = "SELECT count(*) FROM tenancy.members";
        let before = world.database.number(members).await;
        accept(&world.stranger, &token).await.refused("INVITATION_INVALID", "token");
        assert_eq!(world.database.number(members).await, before, "{what}");
    }
    for nonsense in ["", "x", "\u{0}", &"x".repeat(10_000)] {
        assert!(preview(&world, nonsense).await.is_null());
        accept(&world.stranger, nonsense).await.refused("INVITATION_INVALID", "token");
    }
}

#[tokio::test]
async fn a_link_lets_in_one_account_whoever_comes_first() {
    let world = World::new().await;
    let sql = "DELETE FROM tenancy.members USING identity.users u WHERE u.id = user_id AND u.email IN ('member@acme.test', 'developer@acme.test')";
    world.database.run(sql).await;
    let (id, token) = link(&world, "MEMBER").await;
    let comers = [&world.stranger, &world.member, &world.developer];
    let answers = join_all(comers.map(|client| accept(client, &token))).await;
    let let_in = answers.iter().filter(|answer| answer.refusals().is_empty() && answer.codes().is_empty()).count();
    assert_eq!(let_in, 1, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
    assert_eq!(state(&world, &id).await, "ACCEPTED");
    // Who is in already leaves it to others.
    let (id, token) = link(&world, "ADMIN").await;
    accept(&world.viewer, &token).await.refused("ALREADY_MEMBER", "");
    assert_eq!(state(&world, &id).await, "OPEN");
}

#[tokio::test]
async fn an_invitation_that_is_sent_again_has_another_token_and_a_new_life() {
    let world = World::new().await;
    let (id, first) = letter(&world, "stranger@acme.test").await;
    let resend = async || world.admin.mutate("invitationResend", json!({ "id": id })).await;
    let past = "UPDATE tenancy.invitations SET created_at = now() - interval '8 days', last_sent_at = now() - interval '8 days', expires_at = now() - interval '1 day'";
    world.database.run(past).await;
    assert_eq!(state(&world, &id).await, "EXPIRED");
    resend().await.well();
    assert_eq!(state(&world, &id).await, "OPEN");
    let tokens: Vec<String> = {
        world.server.letters().last_of(2, "stranger@acme.test").await;
        world.server.letters().to("stranger@acme.test").iter().map(|letter| letter.token()).collect()
    };
    let second = tokens.iter().find(|token| **token != first).expect("another token");
    accept(&world.stranger, &first).await.refused("INVITATION_INVALID", "token");
    accept(&world.stranger, second).await.well();
    assert_eq!(resend().await.code(), "FORBIDDEN", "it was answered");

    let (id, first) = link(&world, "MEMBER").await;
    let renewed = world.owner.mutate_for("invitationResend", "link", json!({ "id": id })).await.well();
    assert!(preview(&world, &first).await.is_null());
    let second = renewed.text("invitationResend.link").split_once('#').expect("a token").1;
    assert_eq!(preview(&world, second).await["role"], "MEMBER");
}

#[tokio::test]
async fn an_invitation_is_taken_back_or_declined() {
    let world = World::new().await;
    let (id, token) = letter(&world, "nora@example.org").await;
    world.anonymous.mutate("invitationDecline", json!({ "token": token })).await.well();
    assert_eq!(state(&world, &id).await, "DECLINED");
    world.anonymous.mutate("invitationDecline", json!({ "token": token })).await.refused("INVITATION_INVALID", "token");
    let (id, token) = letter(&world, "omar@example.org").await;
    world.owner.mutate("invitationRevoke", json!({ "id": id })).await.well();
    assert_eq!(state(&world, &id).await, "REVOKED");
    assert!(preview(&world, &token).await.is_null());
    assert_eq!(world.owner.mutate("invitationRevoke", json!({ "id": id })).await.code(), "FORBIDDEN");
    // A link is nobody's to decline.
    let (id, token) = link(&world, "MEMBER").await;
    world.anonymous.mutate("invitationDecline", json!({ "token": token })).await.refused("OTHER_ADDRESS", "token");
    assert_eq!(state(&world, &id).await, "OPEN");
    // The address can be invited anew.
    letter(&world, "nora@example.org").await;
}

#[tokio::test]
async fn nobody_invites_above_their_own_role_or_outside_their_organization() {
    let world = World::new().await;
    let before = world.database.digest().await;
    let try_as = async |client: &Client, input: Value| invite(client, &world, input).await;
    try_as(&world.admin, json!({ "role": "OWNER" })).await.refused("ROLE_TOO_HIGH", "role");
    assert_eq!(try_as(&world.member, json!({ "role": "VIEWER" })).await.code(), "FORBIDDEN");
    assert_eq!(try_as(&world.stranger, json!({ "role": "VIEWER" })).await.code(), "NOT_FOUND");
    for (input, code, field) in [
        (json!({ "email": "no address", "role": "MEMBER" }), "EMAIL_INVALID", "email"),
        (json!({ "email": "a@b.org\r\nBcc: c@d.org", "role": "MEMBER" }), "EMAIL_INVALID", "email"),
        (json!({ "role": "MEMBER", "expiresInDays": 0 }), "OUT_OF_RANGE", "expiresInDays"),
        (json!({ "role": "MEMBER", "expiresInDays": 31 }), "OUT_OF_RANGE", "expiresInDays"),
    ] {
        try_as(&world.owner, input).await.refused(code, field);
    }
    assert_eq!(world.database.digest().await, before);
    let (owners, _) = link(&world, "OWNER").await;
    for mutation in ["invitationResend", "invitationRevoke"] {
        assert_eq!(world.admin.mutate(mutation, json!({ "id": owners })).await.code(), "FORBIDDEN");
    }
    let query = "{ organization(slug: \"acme\") { invitations(first: 1) { totalCount nodes { id } } } }";
    assert_eq!(
        world.admin.query(query, Value::Null).await.well().texts("organization.invitations.nodes", "id"),
        [owners]
    );
    assert_eq!(world.member.query(query, Value::Null).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn an_organization_may_let_in_only_addresses_of_its_domains() {
    let world = World::new().await;
    let (_, token) = link(&world, "MEMBER").await;
    let sql = format!(
        "UPDATE tenancy.organizations SET allowed_email_domains = '{{example.org}}' WHERE id = '{}'",
        uuid(&world.acme)
    );
    world.database.run(&sql).await;
    invite(&world.owner, &world, json!({ "email": "a@example.com", "role": "MEMBER" }))
        .await
        .refused("DOMAIN_NOT_ALLOWED", "email");
    invite(&world.owner, &world, json!({ "email": "a@sub.example.org", "role": "MEMBER" }))
        .await
        .refused("DOMAIN_NOT_ALLOWED", "email");
    invite(&world.owner, &world, json!({ "email": "a@EXAMPLE.org", "role": "MEMBER" })).await.well();
    accept(&world.stranger, &token).await.refused("DOMAIN_NOT_ALLOWED", "token");
}

#[tokio::test]
async fn the_names_in_a_letter_are_words_and_nothing_more() {
    let world = World::new().await;
    let name = "Win at https://evil.example/<b> eve@example.org";
    world.owner.mutate("organizationUpdate", json!({ "id": world.acme, "name": name })).await.well();
    letter(&world, "nora@example.org").await;
    let letter = world.server.letters().last_of(1, "nora@example.org").await;
    for part in ["evil.example", "https://evil", "eve@", "<b>"] {
        assert!(!letter.text.contains(part) && !letter.subject.contains(part), "{part}: {letter:?}");
    }
    assert!(letter.subject.starts_with("admin invites you to Win at"), "{letter:?}");
}

#[tokio::test]
async fn only_a_digest_of_the_token_is_kept() {
    let world = World::new().await;
    let (_, token) = link(&world, "MEMBER").await;
    for table in [
        "tenancy.invitations",
        "audit.logs",
        "platform.outbox",
        "platform.idempotency_keys",
        "platform.idempotency_answers",
    ] {
        let sql = format!("SELECT count(*) FROM {table} r WHERE r::text LIKE '%{token}%'");
        assert_eq!(world.database.number(&sql).await, 0, "{table}");
    }
    let sql = format!("SELECT id FROM tenancy.invitations WHERE token_hash = sha256('{token}')");
    assert_eq!(world.database.rows(&sql).await.len(), 1);
    let id = world.database.row(&sql).await["id"].as_str().expect("an id").to_owned();
    let entry = format!("SELECT changes FROM audit.logs WHERE action = 'invitations.create' AND resource_id = '{id}'");
    assert_eq!(world.database.row(&entry).await["changes"]["token_hash"], json!({ "new": "[redacted]" }));
    assert!(world.stranger.node(&typed("inv", &id)).await.is_null());
}
