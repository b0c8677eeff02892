//! `trellis import`, as the built program that an operator runs: a folder becomes documents, and a second run changes
//! only what changed.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{Database, World, environment};

/// A folder of files that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(database: &Database, files: &[(&str, &str)]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("trellis-import-{}", database.name())));
        fs::create_dir_all(&folder.0).expect("a folder can be made");
        for (path, content) in files {
            folder.file(path, content);
        }
        folder
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a file stands in a folder")).expect("a folder can be made");
        fs::write(path, content).expect("a file can be written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.0.join(from), self.0.join(to)).expect("a file can be moved");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder can be removed");
    }
}

/// What a run said.
struct Run {
    is_well: bool,
    said: String,
}

impl Run {
    /// The last line counts what happened.
    fn summary(&self) -> &str {
        assert!(self.is_well, "{}", self.said);
        let line = self.said.lines().last().unwrap_or_default();
        line.split(" (").next().unwrap_or(line)
    }

    fn refused(&self, because: &str) {
        assert!(!self.is_well && self.said.contains(because), "{because}: {}", self.said);
    }
}

/// Runs the import, which blocks: the test has threads for the server beside it.
fn import(world: &World, folder: &Folder, options: &[&str]) -> Run {
    let mut command = Command::new(environment("TRELLIS_TEST_BIN"));
    command
        .arg("import")
        .arg(&folder.0)
        .args(options)
        .env("DATABASE_URL", world.database.url())
        .env("REDIS_URL", environment("TRELLIS_TEST_REDIS_URL"))
        .env("TRELLIS_REDIS_PREFIX", format!("{}:import:", world.database.name()))
        .env("TRELLIS_LOG", "warn");
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { is_well: status.success(), said: format!("{}{}", text(&stderr), text(&stdout)) }
}

const LAB: &[&str] = &["--space", "acme/lab", "--as", "editor@acme.test"];

async fn document(world: &World, path: &str) -> Value {
    let sql = format!(
        "SELECT d.title, d.version, d.status, d.visibility, d.language_code, d.slug, d.description, d.metadata, c.source, \
         p.external_id AS parent, u.email AS owner, d.created_at::date::text AS created, \
         ARRAY(SELECT t.name FROM content.document_tags JOIN content.tags t ON t.id = tag_id WHERE document_id = d.id \
         ORDER BY t.name COLLATE \"C\") AS tags \
         FROM content.documents d JOIN content.document_contents c ON c.document_id = d.id \
         JOIN identity.users u ON u.id = d.owner_id LEFT JOIN content.documents p ON p.id = d.parent_id \
         WHERE d.source = 'import' AND d.external_id = '{path}'"
    );
    world.database.row(&sql).await
}

#[tokio::test]
async fn a_second_run_writes_only_what_changed() {
    let world = World::new().await;
    let files = [
        ("README.md", "# Welcome\n"),
        ("guide/index.md", "---\ntags: [red, blue]\n---\n# Guide\n"),
        ("guide/first.md", "First, without a heading.\n"),
        ("guide/second.md", "# Second\r\n\r\nWith *marks*.\r\n"),
        ("notes/plain.txt", "No Markdown."),
    ];
    let folder = Folder::new(&world.database, &files);
    let first = import(&world, &folder, LAB);
    assert_eq!(first.summary(), "4 created, 0 updated, 0 moved, 0 unchanged, 0 skipped");
    assert_eq!(document(&world, "guide/second.md").await["source"], "# Second\r\n\r\nWith *marks*.\r\n");
    assert_eq!(document(&world, "guide/first.md").await["title"], "first");
    assert_eq!(document(&world, "guide/first.md").await["parent"], "guide");

    let before = world.database.digest().await;
    assert_eq!(import(&world, &folder, LAB).summary(), "0 created, 0 updated, 0 moved, 4 unchanged, 0 skipped");
    assert_eq!(world.database.digest().await, before, "nothing is written where nothing changed");

    folder.file("guide/first.md", "# Once more\n");
    folder.file("guide/third.md", "# Third\n");
    let last = world.database.number("SELECT max(id) FROM platform.outbox").await;
    assert_eq!(import(&world, &folder, LAB).summary(), "1 created, 1 updated, 0 moved, 3 unchanged, 0 skipped");
    let events =
        format!("SELECT event_type FROM platform.outbox WHERE id > {last} AND stream <> 'audit' ORDER BY event_type");
    let events = world.database.rows(&events).await;
    assert_eq!(events, [json!({ "event_type": "document.created" }), json!({ "event_type": "document.updated" })]);
    let changed = document(&world, "guide/first.md").await;
    assert_eq!((&changed["version"], &changed["title"]), (&json!(2), &json!("Once more")));
    for path in ["README.md", "guide", "guide/second.md", "guide/third.md"] {
        assert_eq!(document(&world, path).await["version"], 1, "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_imported_is_named_and_skipped() {
    let world = World::new().await;
    let folder = Folder::new(&world.database, &[("good.md", "# Good\n"), ("large/below.md", "# Below\n")]);
    folder.file("latin.md", b"caf\xe9\n");
    folder.file("null.md", "a\0b");
    folder.file("large/README.md", vec![b'x'; 10 * 1024 * 1024 + 1]);
    folder.file("most.md", vec![b'x'; 10 * 1024 * 1024]);
    let run = import(&world, &folder, LAB);
    assert_eq!(run.summary(), "4 created, 0 updated, 0 moved, 0 unchanged, 3 skipped");
    for line in
        ["latin.md: is not UTF-8 text", "null.md: holds a NUL character", "large/README.md: is too large: 10.1 MB"]
    {
        assert!(run.said.contains(&format!("skipped {line}")), "{line}: {}", run.said);
    }
    assert_eq!(document(&world, "most.md").await["version"], 1);
    // What was imported before and cannot be read now is not gone.
    folder.file("good.md", b"\xff");
    let run = import(&world, &folder, LAB);
    assert_eq!(run.summary(), "0 created, 0 updated, 0 moved, 3 unchanged, 4 skipped");
    assert_eq!(document(&world, "good.md").await["source"], "# Good\n");
}

#[tokio::test]
async fn tags_become_those_of_the_file_where_it_speaks_of_tags() {
    let world = World::new().await;
    let folder = Folder::new(
        &world.database,
        &[("said.md", "---\ntags: [Red, \"Green Tea\"]\n---\n"), ("silent.md", "# Silent\n")],
    );
    import(&world, &folder, LAB).summary();
    let silent = world.database.row("SELECT id FROM content.documents WHERE external_id = 'silent.md'").await;
    let silent = crate::support::typed("doc", silent["id"].as_str().expect("an id"));
    world.editor.mutate("documentTag", json!({ "id": silent, "tags": ["by hand"] })).await.well();
    folder.file("said.md", "---\ntags: green-tea, blue\n---\n");
    assert_eq!(import(&world, &folder, LAB).summary(), "0 created, 1 updated, 0 moved, 1 unchanged, 0 skipped");
    assert_eq!(document(&world, "said.md").await["tags"], json!(["Green Tea", "blue"]));
    assert_eq!(document(&world, "silent.md").await["tags"], json!(["by hand"]));
    folder.file("said.md", "---\ntags: []\n---\n");
    import(&world, &folder, LAB).summary();
    assert_eq!(document(&world, "said.md").await["tags"], json!([]));
}

#[tokio::test]
async fn a_file_that_moved_is_new_and_a_document_that_was_moved_goes_back() {
    let world = World::new().await;
    let folder = Folder::new(&world.database, &[("a/one.md", "# One\n"), ("b/two.md", "# Two\n")]);
    import(&world, &folder, LAB).summary();
    folder.rename("a/one.md", "b/one.md");
    let run = import(&world, &folder, LAB);
    assert_eq!(
        run.summary(),
        "1 created, 0 updated, 0 moved, 2 unchanged, 0 skipped; 2 no longer in the folder and left as they are"
    );
    for left in ["a", "a/one.md"] {
        assert!(run.said.contains(&format!("left    {left}: no longer in the folder")), "{}", run.said);
    }
    assert_eq!(document(&world, "b/one.md").await["parent"], "b");
    let two = world.database.row("SELECT id FROM content.documents WHERE external_id = 'b/two.md'").await;
    let two = crate::support::typed("doc", two["id"].as_str().expect("an id"));
    world.editor.mutate("documentMove", json!({ "id": two })).await.well();
    assert!(document(&world, "b/two.md").await["parent"].is_null());
    let run = import(&world, &folder, LAB);
    assert!(run.summary().starts_with("0 created, 0 updated, 1 moved, 2 unchanged"), "{}", run.said);
    assert_eq!(document(&world, "b/two.md").await["parent"], "b");
}

#[tokio::test]
async fn the_destination_is_found_or_asked_for() {
    let world = World::new().await;
    let folder = Folder::new(&world.database, &[("page.md", "# Page\n")]);
    world.stranger.space(&world.globex, "lab", json!({})).await;
    for (options, reason) in [
        (vec!["--space", "nowhere"], "There is no space nowhere."),
        (vec!["--space", "globex/handbook"], "There is no space globex/handbook."),
        (vec!["--space", "lab"], "2 spaces have the slug lab (acme/lab, globex/lab): write organization/space"),
        (vec!["--space", "acme/lab", "--as", "nobody@acme.test"], "Nobody with an active account"),
        (vec!["--space", "acme/lab", "--as", "reader@acme.test"], "may not create documents in acme/lab."),
        (vec!["--space", "acme/lab", "--as", "stranger@acme.test"], "There is no space acme/lab."),
        (vec![], "Say where to import with --space, or as whom with --as."),
    ] {
        import(&world, &folder, &options).refused(reason);
    }
    assert_eq!(world.database.number("SELECT count(*) FROM content.documents").await, 0);
    for (options, owner) in [
        (vec!["--space", "acme/lab", "--as", "editor@acme.test"], "editor@acme.test"),
        (vec!["--space", "lab", "--as", "manager@acme.test"], "manager@acme.test"),
        (vec!["--space", "handbook", "--organization", "acme", "--as", "owner@acme.test"], "owner@acme.test"),
        (vec!["--as", "MEMBER@acme.test"], "member@acme.test"),
    ] {
        world.database.run("DELETE FROM content.documents").await;
        assert!(import(&world, &folder, &options).summary().starts_with("1 created"));
        assert_eq!(document(&world, "page.md").await["owner"], owner, "{options:?}");
    }
    let personal = world
        .database
        .row("SELECT is_personal FROM tenancy.spaces JOIN content.documents d ON d.space_id = spaces.id")
        .await;
    assert_eq!(personal["is_personal"], true, "without a space it is the personal one");
    world.manager.mutate("spaceArchive", json!({ "id": world.lab })).await.well();
    import(&world, &folder, LAB).refused("acme/lab is archived and can only be read.");
    let missing = Folder(folder.0.join("missing"));
    import(&world, &missing, LAB).refused("is not a folder");
    std::mem::forget(missing);
}

#[tokio::test]
async fn front_matter_says_what_the_document_is() {
    let world = World::new().await;
    let yaml = "---\ntitle: A title\ndescription: What it is.\nslug: a-title\nlang: EN_us\ndate: 2024-02-29\n\
                visibility: private\ndraft: true\nweight: 3\nauthor: { name: Ilse }\n---\n# Another heading\n";
    let toml = "+++\ntitle = \"In TOML\"\nstatus = \"archived\"\ntags = [\"red\"]\n+++\nText.\n";
    let folder = Folder::new(
        &world.database,
        &[("yaml.md", yaml), ("toml.md", toml), ("broken.md", "---\na: [\n---\n# Text\n")],
    );
    let run = import(&world, &folder, LAB);
    assert_eq!(run.summary(), "3 created, 0 updated, 0 moved, 0 unchanged, 0 skipped");
    assert!(run.said.contains("remark  broken.md: "), "{}", run.said);
    let found = document(&world, "yaml.md").await;
    for (field, value) in [
        ("title", json!("A title")),
        ("description", json!("What it is.")),
        ("slug", json!("a-title")),
        ("language_code", json!("en-US")),
        ("created", json!("2024-02-29")),
        ("visibility", json!("private")),
        ("status", json!("draft")),
        ("metadata", json!({ "weight": 3, "author": { "name": "Ilse" } })),
        ("source", json!("# Another heading\n")),
        ("owner", json!("editor@acme.test")),
    ] {
        assert_eq!(found[field], value, "{field}");
    }
    let found = document(&world, "toml.md").await;
    assert_eq!(
        (&found["title"], &found["status"], &found["tags"]),
        (&json!("In TOML"), &json!("archived"), &json!(["red"]))
    );
    // What people added to the metadata stays, and what the file says no more of stays as well.
    folder.file("yaml.md", yaml.replace("weight: 3", "weight: 4").replace("draft: true", "draft: false"));
    assert!(import(&world, &folder, LAB).summary().starts_with("0 created, 1 updated"));
    let found = document(&world, "yaml.md").await;
    assert_eq!((&found["metadata"]["weight"], &found["status"]), (&json!(4), &json!("published")));
}
