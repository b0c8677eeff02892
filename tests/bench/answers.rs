//! Whether the servers say the same: what is measured must be the same work. The hand-written endpoint
//! and the plain server must answer exactly as Trellis does, also where access differs; PostGraphile must tell the same of what everyone may read.

use chrono::DateTime;
use hyper::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Result;
use crate::database::{Database, ORGANIZATIONS};
use crate::handwritten::TypeId;
use crate::peers::{Kind, Peer, Tokens};

/// Compares the peers; fails at the first difference. Says how much one answer of Trellis holds.
pub async fn compare(trellis: &Peer, peers: &[&Peer], database: &Database, tokens: &Tokens) -> Result<Content> {
    let mut content = Content::default();
    for organization in [1, 2, ORGANIZATIONS / 2, ORGANIZATIONS] {
        let slug = format!("organization-{organization}");
        let token = tokens.of(&database.readers[organization])?;
        let expected = answer(trellis, &slug, Some(&token)).await?;
        content = Content::of(&expected.1);
        if content.documents != 100 {
            return Err(format!("{slug} has {} documents in Trellis's answer, not 100", content.documents).into());
        }
        for peer in peers {
            let found = answer(peer, &slug, Some(&token)).await?;
            let expected = match peer.kind {
                Kind::Trellis | Kind::Handwritten | Kind::HandwrittenPlanned | Kind::Plain => expected.clone(),
                Kind::Postgraphile => (expected.0, without_order_of_tags(expected.1.clone())?),
            };
            same(peer, &slug, &expected, &found)?;
        }
    }
    for peer in peers.iter().filter(|peer| peer.kind != Kind::Postgraphile) {
        let first = "organization-0";
        for (place, reader) in database.everyone.iter().enumerate() {
            let token = tokens.of(reader)?;
            compare_one(trellis, peer, first, Some(&token), &format!("{first} for its person {place}")).await?;
        }
        let stranger = &database.readers[1];
        compare_one(trellis, peer, first, Some(&tokens.of(stranger)?), "another's organization").await?;
        compare_one(trellis, peer, "no-such-slug", Some(&tokens.of(stranger)?), "no organization").await?;
        compare_one(trellis, peer, first, None, "an organization for nobody").await?;
        compare_one(trellis, peer, first, Some(&tokens.expired(stranger)?), "an expired token").await?;
        compare_one(trellis, peer, first, Some("nonsense"), "a token that is none").await?;
    }
    Ok(content)
}

async fn compare_one(trellis: &Peer, peer: &Peer, slug: &str, token: Option<&str>, what: &str) -> Result<()> {
    let expected = answer(trellis, slug, token).await?;
    let found = answer(peer, slug, token).await?;
    same(peer, what, &expected, &found)
}

fn same(peer: &Peer, what: &str, expected: &(StatusCode, Value), found: &(StatusCode, Value)) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let short = |(status, value): &(StatusCode, Value)| {
        let text = value.to_string();
        let place = difference(&expected.1, &found.1);
        let differs: String = value.pointer(&place).unwrap_or(&Value::Null).to_string().chars().take(200).collect();
        format!("{status}, {} bytes, {place}: {differs}", text.len())
    };
    let name = peer.kind.name();
    Err(format!("{name} answers otherwise than Trellis, for {what}:\n{}\n{}", short(expected), short(found)).into())
}

/// Where two values differ, as a JSON pointer.
fn difference(one: &Value, other: &Value) -> String {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => one
            .iter()
            .find(|(key, value)| other.get(*key) != Some(value))
            .map_or_else(String::new, |(key, value)| format!("/{key}{}", difference(value, &other[key]))),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .position(|(one, other)| one != other)
            .map_or_else(String::new, |index| format!("/{index}{}", difference(&one[index], &other[index]))),
        _ => String::new(),
    }
}

/// The status, and the data in the shape of Trellis. Of a refusal, the status alone.
async fn answer(peer: &Peer, slug: &str, token: Option<&str>) -> Result<(StatusCode, Value)> {
    let (status, body) = peer.ask(slug, token).await?;
    if status != StatusCode::OK {
        return Ok((status, Value::Null));
    }
    let mut answer: Value = serde_json::from_slice(&body)?;
    if let Some(errors) = answer.get("errors") {
        return Err(format!("{} answers with errors: {errors}", peer.kind.name()).into());
    }
    let data = answer["data"].take();
    match peer.kind {
        Kind::Trellis | Kind::Handwritten | Kind::HandwrittenPlanned | Kind::Plain => Ok((status, data)),
        Kind::Postgraphile => Ok((status, without_order_of_tags(as_trellis(data)?)?)),
    }
}

/// PostGraphile's answer in the words of Trellis: typed ids, upper-case values.
fn as_trellis(mut data: Value) -> Result<Value> {
    let mut organization = data["organizations"]["nodes"][0].take();
    for space in nodes(&mut organization["spaces"])? {
        space["id"] = json!(TypeId::new(b"spc_", uuid(&space["id"])?).as_str());
        for document in nodes(&mut space["documents"])? {
            document["id"] = json!(TypeId::new(b"doc_", uuid(&document["id"])?).as_str());
            document["status"] = json!(document["status"].as_str().map(str::to_uppercase));
            document["createdAt"] = json!(text(&document["createdAt"])?.parse::<DateTime<chrono::Utc>>()?.to_rfc3339());
            for tag in nodes(&mut document["tags"])? {
                *tag = tag["tag"].take();
            }
        }
    }
    Ok(json!({ "organization": organization }))
}

fn without_order_of_tags(mut data: Value) -> Result<Value> {
    for space in nodes(&mut data["organization"]["spaces"])? {
        for document in nodes(&mut space["documents"])? {
            nodes(&mut document["tags"])?.sort_by_key(ToString::to_string);
        }
    }
    Ok(data)
}

fn nodes(connection: &mut Value) -> Result<&mut Vec<Value>> {
    connection["nodes"].as_array_mut().ok_or_else(|| "an answer has no nodes where there must be some".into())
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(|| format!("{value} is not a text").into())
}

fn uuid(value: &Value) -> Result<Uuid> {
    Ok(text(value)?.parse()?)
}

/// How much an answer holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Content {
    pub documents: usize,
    /// Fields of all objects, also those that hold objects.
    pub fields: usize,
    pub bytes: usize,
}

impl Content {
    fn of(data: &Value) -> Self {
        let spaces = data["organization"]["spaces"]["nodes"].as_array();
        let documents = spaces.into_iter().flatten();
        let documents = documents.filter_map(|space| Some(space["documents"]["nodes"].as_array()?.len())).sum();
        Self { documents, fields: fields(data), bytes: data.to_string().len() }
    }
}

fn fields(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(fields).sum::<usize>(),
        Value::Array(array) => array.iter().map(fields).sum(),
        _ => 0,
    }
}
