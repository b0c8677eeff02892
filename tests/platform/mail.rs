//! Mail: understood by a mail server that is not ours, never sent before the commit, never lost after it.

use serde_json::{Value, json};

use crate::support::{Client, MailServer, PASSWORD, Process, World, eventually, free_port};

async fn sign_up(client: &Client, email: &str) -> crate::support::Answer {
    client.mutate("signUp", json!({ "email": email, "password": PASSWORD, "name": "Nora" })).await
}

async fn waiting(world: &World) -> i64 {
    world.database.number("SELECT count(*) FROM platform.mails").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_reaches_a_mail_server_as_text_and_html() {
    let mail = MailServer::start(0);
    let world = World::with(|config| {
        config.mail_url = Some(mail.url().into());
        config.mail_from = "Trellis <post@trellis.example>".to_owned();
        config.public_url = Some("https://trellis.example/app/".to_owned());
    })
    .await;
    sign_up(&world.anonymous, "nora@example.org").await.well();
    let message = mail.next().await;
    assert_eq!(message["sender"], "post@trellis.example");
    assert_eq!(message["recipients"], json!(["nora@example.org"]));
    assert_eq!(message["from"], json!({ "address": "post@trellis.example", "name": "Trellis" }));
    assert_eq!(message["to"][0]["address"], "nora@example.org");
    assert_eq!(message["subject"], "Confirm your e-mail address");
    let headers: Vec<&str> = message["headers"].as_array().expect("headers").iter().filter_map(Value::as_str).collect();
    assert!(headers.contains(&"date") && headers.contains(&"auto-submitted"), "{headers:?}");
    assert!(!headers.contains(&"bcc") && !headers.contains(&"cc"), "{headers:?}");
    let [text, html] = ["text", "html"].map(|part| message[part].as_str().expect("a part"));
    let link = text.lines().find(|line| line.starts_with("https://")).expect("a link");
    assert!(link.starts_with("https://trellis.example/app/verify-email#"), "{link}");
    assert!(html.contains(&format!("href=\"{link}\"")), "{html}");
    eventually("nothing waits", async || (waiting(&world).await == 0).then_some(())).await;
    assert!(mail.rest().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_rolled_back_is_never_mailed() {
    let mail = MailServer::start(0);
    let world = World::with(|config| config.mail_url = Some(mail.url().into())).await;
    world
        .database
        .run(
            "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; \
             CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON identity.sessions DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION public.fail()",
        )
        .await;
    assert_eq!(sign_up(&world.anonymous, "nora@example.org").await.code(), "INTERNAL");
    assert_eq!(waiting(&world).await, 0);
    world.database.run("DROP TRIGGER fail ON identity.sessions").await;
    sign_up(&world.anonymous, "mia@example.org").await.well();
    assert_eq!(mail.next().await["recipients"], json!(["mia@example.org"]), "the first that was ever sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_is_refused_for_now_is_sent_again() {
    let mail = MailServer::start(1);
    let world = World::with(|config| config.mail_url = Some(mail.url().into())).await;
    sign_up(&world.anonymous, "nora@example.org").await.well();
    let refused = mail.next().await["refused"].clone();
    let taken = mail.next().await;
    assert_eq!((&taken["id"], taken["recipients"][0].as_str()), (&refused, Some("nora@example.org")));
    eventually("nothing waits", async || (waiting(&world).await == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_letter_outlives_the_server_and_its_mail_server() {
    let world = World::new().await;
    let nobody = format!("smtp://127.0.0.1:{}", free_port());
    let mut first = Process::start(&world.database, &[("TRELLIS_MAIL_URL", &nobody)]).await;
    // The server in this process would send it too.
    world.server.stop().await;
    sign_up(&first.client(&world.anonymous), "nora@example.org").await.well();
    first.program.kill();
    let row = world.database.row("SELECT letter FROM platform.mails").await;
    assert!(!row.to_string().contains(&hex("nora@example.org")), "it waits sealed: {row}");

    let mail = MailServer::start(0);
    world.database.run("UPDATE platform.mails SET due_at = now()").await;
    let _second = Process::start(&world.database, &[("TRELLIS_MAIL_URL", &mail.url())]).await;
    assert_eq!(mail.next().await["recipients"], json!(["nora@example.org"]));
    let sql = "SELECT count(*) FROM platform.mails";
    eventually("nothing waits", async || (world.database.number(sql).await == 0).then_some(())).await;
}

/// How PostgreSQL shows these bytes.
fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
