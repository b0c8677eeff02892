//! Single sign-on of an organization: who reaches it, who decides that, and how it is never locked for good.

use serde_json::{Value, json};

use crate::support::authenticator::guarded;
use crate::support::{Answer, Client, IdentityProvider, World, eventually, socket, uuid};

/// A world with a provider of its own for acme, at which the owner and the member have accounts too.
struct Company {
    provider: IdentityProvider,
    world: World,
    /// The owner and the member, as the provider lets them in.
    owner: Client,
    member: Client,
}

impl Company {
    async fn new() -> Self {
        let provider = IdentityProvider::start().await;
        let world = World::new().await;
        let settings = provider.settings(Some(&world.acme));
        // Another server over the same database: only now is it known which organization acme is.
        let other = crate::support::Server::start(&world.database, |config| settings.apply(config)).await;
        let graphql = other.graphql();
        let mut world = world;
        world.server = other;
        for client in [
            &mut world.anonymous,
            &mut world.owner,
            &mut world.admin,
            &mut world.member,
            &mut world.viewer,
            &mut world.stranger,
        ] {
            *client = client.of(&graphql);
        }
        for (name, client) in [("owner", &world.owner), ("member", &world.member)] {
            provider.says(name, json!({ "email": format!("{name}@acme.test") })).await;
            let answer = provider.journey(client, "own", "LINK", name).await;
            client.mutate("openIdLink", answer).await.well();
        }
        let owner = provider.session(&world.anonymous, "own", "owner").await;
        let member = provider.session(&world.anonymous, "own", "member").await;
        Self { provider, world, owner, member }
    }

    async fn choose(&self, client: &Client, changes: Value) -> Answer {
        let mut input = json!({ "id": self.world.acme });
        input.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        client.mutate("organizationSingleSignOnUpdate", input).await
    }

    /// A company whose owner has enforced single sign-on.
    async fn enforced() -> Self {
        let company = Self::new().await;
        guarded(&company.owner).await;
        company.choose(&company.owner, enforced()).await.well();
        company
    }
}

/// What an owner chooses who enforces it.
fn enforced() -> Value {
    json!({ "provider": "own", "emailDomains": ["ACME.test", "acme.test"], "enforced": true })
}

const ACME: &str = "{ organization(slug: \"acme\") { id singleSignOn { provider emailDomains enforced autoJoin } } \
                    viewer { signInsNeeded organizations(first: 9) { nodes { slug } } } }";

async fn reaches(client: &Client) -> bool {
    let answer = client.query(ACME, Value::Null).await.well();
    let found = answer.at("organization.id").is_string();
    assert_eq!(answer.texts("viewer.organizations.nodes", "slug").contains(&"acme".to_owned()), found);
    assert_eq!(answer.at("viewer.signInsNeeded"), &if found { json!([]) } else { json!(["own"]) });
    found
}

#[tokio::test]
async fn where_it_is_enforced_only_its_sessions_reach_the_organization() {
    let company = Company::new().await;
    let world = &company.world;
    assert!(reaches(&world.member).await && reaches(&company.member).await);
    guarded(&company.owner).await;
    company.choose(&company.owner, enforced()).await.well();
    let answer = company.owner.query(ACME, Value::Null).await.well();
    let expected = json!({ "provider": "own", "emailDomains": ["acme.test"], "enforced": true, "autoJoin": false });
    assert_eq!(answer.at("organization.singleSignOn"), &expected);
    assert!(reaches(&company.member).await);
    assert!(!reaches(&world.member).await && !reaches(&world.admin).await);
    // By another provider, at which they have the same address, it is no different.
    company.provider.says("same", json!({ "email": "member@acme.test" })).await;
    let answer = company.provider.journey(&world.member, "one", "LINK", "same").await;
    world.member.mutate("openIdLink", answer).await.well();
    assert!(!reaches(&company.provider.session(&world.anonymous, "one", "same").await).await);
    // By the right provider with an address of another domain, or one below it, or none that is verified, neither.
    for claims in [
        json!({ "email": "member@evil.example" }),
        json!({ "email": "member@below.acme.test" }),
        json!({ "email": "member@acme.test.evil.example" }),
        json!({ "email": "member@acme.test", "email_verified": false }),
    ] {
        company.provider.says("member", claims).await;
        assert!(!reaches(&company.provider.session(&world.anonymous, "own", "member").await).await);
    }
    company.provider.says("member", json!({ "email": "Member@ACME.test" })).await;
    assert!(reaches(&company.provider.session(&world.anonymous, "own", "member").await).await);
}

#[tokio::test]
async fn what_it_hides_is_hidden_on_every_transport() {
    let company = Company::new().await;
    let world = &company.world;
    let handbook = &world.handbook;
    let page = company.owner.document(handbook, json!({ "title": "Hidden" })).await;
    let follow = "subscription($id: ID!) { spaceActivity(spaceId: $id) { __typename } }";
    let mut open = world.member.socket().await;
    open.subscribe(follow, json!({ "id": handbook })).await;
    open.settle().await;
    guarded(&company.owner).await;
    company.choose(&company.owner, enforced()).await.well();

    let member = &world.member;
    for id in [&world.acme, handbook, &page, &world.rocket] {
        assert!(member.node(id).await.is_null(), "{id}");
        assert!(!company.member.node(id).await.is_null() || id == &world.rocket, "{id}");
    }
    let answer = member.mutate("documentUpdate", json!({ "id": page, "title": "Mine" })).await;
    assert_eq!(answer.code(), "NOT_FOUND");
    let new = json!({ "spaceId": handbook, "title": "Mine" });
    assert_eq!(member.mutate("documentCreate", new).await.code(), "NOT_FOUND");
    // A socket that was open before hears nothing any more, and a new one is told that there is nothing.
    company.owner.mutate("documentUpdate", json!({ "id": page, "title": "Hidden too" })).await.well();
    let message = open.message().await;
    assert!(!message.to_string().contains("Hidden"), "{message}");
    let mut socket = member.socket().await;
    socket.subscribe(follow, json!({ "id": handbook })).await;
    assert_eq!(socket::codes(&socket.message().await), ["NOT_FOUND"]);
    let events = member.post().header("accept", "text/event-stream");
    let events = events.json(&json!({ "query": follow, "variables": { "id": handbook } }));
    let text = events.send().await.expect("the server answers").text().await.expect("events");
    assert!(text.contains("NOT_FOUND"), "{text}");
    let found = member.get("query=%7Borganization(slug%3A%22acme%22)%7Bid%7D%7D").send().await.expect("an answer");
    assert!(found.text().await.expect("text").contains("{\"organization\":null}"));
}

#[tokio::test]
async fn nobody_shuts_themselves_out() {
    let company = Company::new().await;
    let world = &company.world;
    // By a password, without a second factor, with domains that the owner's address is not of.
    company.choose(&world.owner, enforced()).await.refused("SIGN_IN_NEEDED", "enforced");
    company.choose(&company.owner, enforced()).await.refused("SECOND_FACTOR_NEEDED", "");
    guarded(&company.owner).await;
    let elsewhere = json!({ "provider": "own", "emailDomains": ["elsewhere.example"], "enforced": true });
    company.choose(&company.owner, elsewhere).await.refused("SIGN_IN_NEEDED", "enforced");
    let other = json!({ "provider": "one", "emailDomains": ["acme.test"], "enforced": true });
    company.choose(&company.owner, other).await.refused("SIGN_IN_NEEDED", "enforced");
    company.choose(&company.owner, enforced()).await.well();
    // Nor later.
    for change in [json!({ "emailDomains": ["elsewhere.example"] }), json!({ "provider": "one" })] {
        company.choose(&company.owner, change).await.refused("SIGN_IN_NEEDED", "enforced");
    }
    company.choose(&company.owner, json!({ "emailDomains": [] })).await.refused("DOMAIN_INVALID", "emailDomains");
    // Without a provider nothing is enforced.
    company.choose(&company.owner, json!({ "provider": null })).await.well();
    assert!(reaches(&world.member).await);
}

#[tokio::test]
async fn what_cannot_be_chosen_is_refused() {
    let company = Company::new().await;
    let world = &company.world;
    for (change, code, field) in [
        (json!({ "provider": "nowhere", "emailDomains": ["acme.test"] }), "PROVIDER_UNKNOWN", "provider"),
        (json!({ "enforced": true }), "PROVIDER_UNKNOWN", "provider"),
        (json!({ "provider": "own" }), "DOMAIN_INVALID", "emailDomains"),
        (json!({ "provider": "own", "emailDomains": ["*"] }), "DOMAIN_INVALID", "emailDomains"),
        (json!({ "provider": "own", "emailDomains": ["acme"] }), "DOMAIN_INVALID", "emailDomains"),
        (json!({ "provider": "own", "emailDomains": ["a@acme.test"] }), "DOMAIN_INVALID", "emailDomains"),
        (json!({ "provider": "own", "emailDomains": [""] }), "DOMAIN_INVALID", "emailDomains"),
        (
            json!({ "provider": "one", "emailDomains": ["acme.test"], "autoJoin": true }),
            "OWN_PROVIDER_NEEDED",
            "autoJoin",
        ),
        (json!({ "provider": "own", "expectedVersion": 99 }), "CONFLICT", "expectedVersion"),
    ] {
        let answer = company.choose(&world.owner, change.clone()).await;
        assert_eq!(answer.refusals(), [code], "{change}");
        assert_eq!(answer.payload()["userErrors"][0]["field"], json!(["input", field]), "{change}");
    }
    let many: Vec<String> = (0..21).map(|number| format!("d{number}.example")).collect();
    company.choose(&world.owner, json!({ "emailDomains": many })).await.refused("DOMAIN_INVALID", "emailDomains");
    // The provider of one organization is nothing to another.
    let input = json!({ "id": world.globex, "provider": "own", "emailDomains": ["acme.test"] });
    world.stranger.mutate("organizationSingleSignOnUpdate", input).await.refused("PROVIDER_UNKNOWN", "provider");
    world.forget_proofs().await;
    company.choose(&world.owner, json!({ "provider": "own" })).await.refused("REAUTHENTICATION_REQUIRED", "");
}

#[tokio::test]
async fn an_owner_who_is_shut_out_ends_it_with_a_second_factor() {
    let company = Company::enforced().await;
    let world = &company.world;
    let release = json!({ "slug": "acme" });
    // By a password, as an operator whose provider is broken would come in.
    let owner = password_session(world, &uuid(&company.owner.id)).await;
    assert!(!reaches(&owner).await);
    for client in [&world.member, &world.admin, &world.stranger] {
        let answer = client.mutate("organizationSingleSignOnRelease", release.clone()).await;
        assert_eq!(answer.code(), "NOT_FOUND");
    }
    let nowhere = owner.mutate("organizationSingleSignOnRelease", json!({ "slug": "nowhere" })).await;
    assert_eq!(nowhere.code(), "NOT_FOUND");
    world.forget_proofs().await;
    owner.mutate("organizationSingleSignOnRelease", release.clone()).await.refused("REAUTHENTICATION_REQUIRED", "");
    world.database.run("UPDATE identity.sessions SET authenticated_at = now()").await;
    let id = uuid(&owner.id);
    world.database.run(&format!("UPDATE identity.users SET mfa_enabled = false WHERE id = '{id}'")).await;
    owner.mutate("organizationSingleSignOnRelease", release.clone()).await.refused("SECOND_FACTOR_NEEDED", "");
    assert!(!reaches(&owner).await);
    world.database.run(&format!("UPDATE identity.users SET mfa_enabled = true WHERE id = '{id}'")).await;
    owner.mutate("organizationSingleSignOnRelease", release.clone()).await.well();
    assert!(reaches(&owner).await && reaches(&world.member).await);
    let letters = world.server.letters();
    let is_told = async || {
        let all = letters.to("owner@acme.test");
        all.into_iter().find(|letter| letter.subject == "Single sign-on is no longer enforced")
    };
    eventually("the owners are told", is_told).await;
    owner.mutate("organizationSingleSignOnRelease", release).await.refused("NOT_ENFORCED", "");
}

/// A session of somebody as a password opens it.
async fn password_session(world: &World, user: &str) -> Client {
    use entity::ids::{SessionId, UserId};
    let session = "018f0000-0000-7000-8000-0000000005e5";
    let sql = format!(
        "INSERT INTO identity.sessions (id, user_id, token_hash, family_id, expires_at) \
         VALUES ('{session}', '{user}', 'x', '{session}', now() + interval '1 day')"
    );
    world.database.run(&sql).await;
    let parse = |text: &str| uuid::Uuid::parse_str(text).expect("an id");
    let (user, session) = (UserId(parse(user)), SessionId(parse(session)));
    let platform = world.server.platform();
    let (token, _) = platform.tokens.issue(user, session, platform.clock.now()).expect("a token");
    let mut client = world.anonymous.with_token(Some(&token));
    client.id = user.to_string();
    client
}

#[tokio::test]
async fn whom_its_own_provider_vouches_for_becomes_a_member_where_it_wants_that() {
    let company = Company::new().await;
    let (world, provider) = (&company.world, &company.provider);
    provider.says("early", json!({ "email": "early@acme.test" })).await;
    let early = provider.session(&world.anonymous, "own", "early").await;
    let wanted = json!({ "provider": "own", "emailDomains": ["acme.test"], "autoJoin": true });
    company.choose(&world.owner, wanted).await.well();
    let is_member = async |client: &Client| {
        let answer = client.query("{ organization(slug: \"acme\") { viewerRole } }", Value::Null).await.well();
        answer.at("organization.viewerRole").as_str().map(str::to_owned)
    };
    assert_eq!(is_member(&early).await, None);
    let early = provider.session(&world.anonymous, "own", "early").await;
    assert_eq!(is_member(&early).await.as_deref(), Some("MEMBER"));
    // Not by another provider, another domain or an address that is not verified.
    for (id, person, claims) in [
        ("one", "a", json!({ "email": "a@acme.test" })),
        ("own", "b", json!({ "email": "b@evil.example" })),
        ("own", "c", json!({ "email": "c@below.acme.test" })),
    ] {
        provider.says(person, claims).await;
        assert_eq!(is_member(&provider.session(&world.anonymous, id, person).await).await, None, "{person}");
    }
    // Who was suspended stays so.
    let suspend = format!("UPDATE tenancy.members SET status = 'suspended' WHERE user_id = '{}'", uuid(&early.id));
    world.database.run(&suspend).await;
    assert_eq!(is_member(&provider.session(&world.anonymous, "own", "early").await).await, None);
}
