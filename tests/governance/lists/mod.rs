//! The lists that approvers and those who investigate work from: what each filter finds and leaves out, who sees what of
//! it, and what it costs.

mod approvals;
mod decisions;
mod indexes;
mod policies;
mod servers;
mod tools;

use serde_json::{Value, json};

use crate::support::{Client, World, new_id, typed, uuid};

/// A list below an object, and what its objects are told apart by.
pub struct List {
    /// The type of the object that has the list.
    pub on: &'static str,
    pub field: &'static str,
    pub filter: &'static str,
    /// What is asked of each object.
    pub asks: &'static str,
}

impl List {
    fn query(&self) -> String {
        let Self { on, field, filter, asks } = self;
        format!(
            "query($id: ID!, $filter: {filter}) {{ node(id: $id) {{ ... on {on} {{ \
             {field}(first: 50, filter: $filter) {{ totalCount nodes {{ {asks} }} }} }} }} }}"
        )
    }

    /// The objects that somebody finds, which are as many as are counted; none where the object itself is hidden.
    pub async fn seen(&self, client: &Client, of: &str, filter: &Value) -> Option<Vec<Value>> {
        let answer = client.query(&self.query(), json!({ "id": of, "filter": filter })).await.well();
        if answer.at("node").is_null() {
            return None;
        }
        let nodes = answer.list(&format!("node.{}.nodes", self.field)).to_vec();
        let counted = answer.number(&format!("node.{}.totalCount", self.field));
        assert_eq!(usize::try_from(counted), Ok(nodes.len()), "{filter}: {}", answer.body);
        Some(nodes)
    }

    /// The field of each object that somebody finds, which they must be able to look for.
    pub async fn found(&self, client: &Client, of: &str, filter: &Value) -> Vec<String> {
        let nodes = self.seen(client, of, filter).await.unwrap_or_else(|| panic!("{of} is hidden"));
        let text = |node: &Value| match &node[self.asks] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        nodes.iter().map(text).collect()
    }

    /// Each filter finds just what stands beside it.
    pub async fn finds(&self, client: &Client, of: &str, cases: Vec<(Value, Vec<&str>)>) {
        for (filter, expected) in cases {
            assert_eq!(self.found(client, of, &filter).await, expected, "{} of {of}: {filter}", self.field);
        }
    }

    /// Each filter is refused, and the field is named.
    pub async fn refuses(&self, client: &Client, of: &str, cases: Vec<(Value, &str)>) {
        for (filter, field) in cases {
            let answer = client.query(&self.query(), json!({ "id": of, "filter": filter })).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{filter}: {}", answer.body);
            assert!(answer.body.contains(field), "{filter}: {}", answer.body);
        }
    }

    /// How many objects everybody finds without a filter; none for those from whom the object itself is hidden.
    pub async fn counts(&self, world: &World, of: &str) -> Vec<(&'static str, Option<usize>)> {
        let mut counts = Vec::new();
        for (name, client) in world.viewers() {
            counts.push((name, self.seen(client, of, &Value::Null).await.map(|nodes| nodes.len())));
        }
        counts
    }
}

/// A second project of acme, whose owner and admin alone have a role in it, with a server.
pub async fn another_project(world: &World) -> String {
    let comet = world.owner.project(&world.acme, "comet").await;
    server_of(world, &comet, "far").await;
    comet
}

/// A server of a project that somebody submitted, with a tool; gives its id.
pub async fn server_of(world: &World, project: &str, name: &str) -> String {
    let id = new_id();
    let sql = format!(
        "INSERT INTO governance.mcp_servers (id, project_id, organization_id, name, submitted_at, health_checked_at) \
         SELECT '{id}', id, organization_id, '{name}', now(), now() FROM tenancy.projects WHERE id = '{project}'; \
         INSERT INTO governance.mcp_tools (id, server_id, name, input_schema, found_pin, risk_level) \
         VALUES ('{tool}', '{id}', '{name} tool', '{{}}', sha256('{name}'), 'low')",
        project = uuid(project),
        tool = new_id(),
    );
    world.database.run(&sql).await;
    typed("mcp", &id.to_string())
}

#[tokio::test]
async fn the_lists_of_many_projects_take_one_statement_each() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    another_project(&world).await;
    // The grants are read anew after the project was made, once.
    world
        .owner
        .query("{ organization(slug: \"acme\") { projects(first: 5) { totalCount } } }", Value::Null)
        .await
        .well();
    let lists = [
        ("mcpServers", "needsReview: true"),
        ("mcpTools", "isEnabled: true"),
        ("policies", "statuses: [ACTIVE]"),
        ("decisions", "outcomes: [DENY]"),
        ("approvals", "viewerCanDecide: true"),
    ];
    for (list, filter) in lists {
        // The organization, its projects, their pages and their counts.
        let query = format!(
            "{{ organization(slug: \"acme\") {{ projects(first: 5) {{ nodes {{ \
             {list}(first: 5, filter: {{ {filter} }}) {{ totalCount nodes {{ id }} }} }} }} }} }}"
        );
        let answer = world.owner.query(&query, Value::Null).await.well();
        assert_eq!(answer.list("organization.projects.nodes").len(), 2);
        assert_eq!(answer.statements(), 4, "{list}");
    }
    let query = "{ organization(slug: \"acme\") { mcpServers(first: 5, filter: { needsReview: true }) { totalCount nodes { name } } \
        approvals(first: 5, filter: { viewerCanDecide: true }) { totalCount nodes { id } } } }";
    let answer = world.owner.query(query, Value::Null).await.well();
    assert_eq!(answer.texts("organization.mcpServers.nodes", "name"), ["far"]);
    assert_eq!(answer.statements(), 5);
}
