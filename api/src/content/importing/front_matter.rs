//! Front matter: the YAML between `---` or the TOML between `+++` at the beginning of a file, and what of it a
//! document has a place for. The rest becomes metadata; what cannot be used is metadata too, and is remarked upon.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, Utc};
use entity::enums::{DocumentStatus, DocumentVisibility};
use sea_orm::ActiveEnum;
use serde_json::{Map, Value};

use crate::content::{ContentErrorCode, tags};
use crate::platform::checks;

/// Bytes of front matter at most; it has to fit into metadata.
const MOST_BYTES: usize = 60 * 1024;

/// What the front matter of a file says. None is: it does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrontMatter {
    pub title: Option<String>,
    pub description: Option<String>,
    pub slug: Option<String>,
    pub language_code: Option<String>,
    pub tags: Option<Vec<String>>,
    pub created_at: Option<DateTime<Utc>>,
    pub visibility: Option<DocumentVisibility>,
    pub status: Option<DocumentStatus>,
    /// Every other key.
    pub metadata: Map<String, Value>,
    /// What could not be used, as sentences.
    pub remarks: Vec<String>,
}

#[derive(Clone, Copy)]
enum Syntax {
    Yaml,
    Toml,
}

/// The front matter of a file and the text after it. Without well-formed front matter the whole file is text.
pub fn split(file: &str) -> (FrontMatter, &str) {
    let Some((syntax, block, body)) = fenced(file) else {
        return (FrontMatter::default(), file);
    };
    match parse(syntax, block) {
        Ok(Some(keys)) => (FrontMatter::of(keys), body),
        // Text between two rulers is not front matter.
        Ok(None) => (FrontMatter::default(), file),
        Err(reason) => {
            let remarks = vec![format!("the front matter was kept as text: {reason}")];
            (FrontMatter { remarks, ..FrontMatter::default() }, file)
        }
    }
}

/// The block between the two fences, and what follows the second.
fn fenced(file: &str) -> Option<(Syntax, &str, &str)> {
    let (first, rest) = file.split_once('\n')?;
    let (syntax, ends): (_, &[&str]) = match first.trim_end() {
        "---" => (Syntax::Yaml, &["---", "..."]),
        "+++" => (Syntax::Toml, &["+++"]),
        _ => return None,
    };
    let mut length = 0;
    for line in rest.split_inclusive('\n') {
        if ends.contains(&line.trim_end()) {
            return Some((syntax, &rest[..length], &rest[length + line.len()..]));
        }
        length += line.len();
    }
    None
}

fn parse(syntax: Syntax, block: &str) -> Result<Option<Map<String, Value>>, String> {
    if block.len() > MOST_BYTES {
        return Err(format!("it is longer than {} KB", MOST_BYTES / 1024));
    }
    if block.trim().is_empty() {
        return Ok(Some(Map::new()));
    }
    match syntax {
        Syntax::Toml => {
            let table: toml::Table = toml::from_str(block).map_err(|error| one_line(error.message()))?;
            Ok(Some(table.into_iter().map(|(key, value)| (key, json(value))).collect()))
        }
        Syntax::Yaml => {
            let options = serde_saphyr::options! { with_snippet: false };
            let value: Value =
                serde_saphyr::from_str_with_options(block, options).map_err(|error| one_line(&error.to_string()))?;
            Ok(match value {
                Value::Object(keys) => Some(keys),
                Value::Null => Some(Map::new()),
                _ => None,
            })
        }
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect()),
    }
}

impl FrontMatter {
    fn of(keys: Map<String, Value>) -> Self {
        let mut front = Self::default();
        let (mut date, mut draft) = (None, None);
        for (key, value) in keys {
            let used = match key.to_ascii_lowercase().as_str() {
                "title" => put(&mut front.title, line(&value, 500)),
                "description" => put(&mut front.description, line(&value, 2_000)),
                "slug" => put(&mut front.slug, slug(&value)),
                "lang" | "language" | "language_code" => {
                    put(&mut front.language_code, value.as_str().and_then(|text| checks::language(text.trim())))
                }
                "tags" => put(&mut front.tags, tags(&value)),
                "created" | "created_at" => put(&mut front.created_at, time(&value)),
                "date" => put(&mut date, time(&value)),
                "visibility" => put(&mut front.visibility, choice(&value)),
                "status" => put(&mut front.status, choice(&value)),
                "draft" => put(&mut draft, value.as_bool()),
                "published" => put(&mut draft, value.as_bool().map(|published| !published)),
                _ => {
                    front.metadata.insert(key, value);
                    continue;
                }
            };
            if !used {
                if !value.is_null() {
                    front.remarks.push(format!("its {key} cannot be used as such and was kept as metadata"));
                }
                front.metadata.insert(key, value);
            }
        }
        front.created_at = front.created_at.or(date);
        front.status = front
            .status
            .or_else(|| draft.map(|draft| if draft { DocumentStatus::Draft } else { DocumentStatus::Published }));
        front
    }
}

/// Keeps the value if there is one.
fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let used = value.is_some();
    *place = value.or(place.take());
    used
}

/// A text of one line, from whatever scalar.
fn line(value: &Value, most: usize) -> Option<String> {
    let text = match value {
        Value::String(text) => one_line(text),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let fits = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    fits.then_some(text)
}

fn slug(value: &Value) -> Option<String> {
    checks::slug("slug", value.as_str()?, 500, ContentErrorCode::SlugInvalid).ok()
}

/// A list of tags, or one text with commas between them.
fn tags(value: &Value) -> Option<Vec<String>> {
    let tags: Vec<String> = match value {
        Value::String(text) => text.split(',').map(one_line).filter(|tag| !tag.is_empty()).collect(),
        Value::Array(values) => values.iter().map(|value| line(value, tags::NAME_LENGTH)).collect::<Option<_>>()?,
        _ => return None,
    };
    let fit = |tag: &String| tag.chars().count() <= tags::NAME_LENGTH && !tag.chars().any(char::is_control);
    (tags.len() <= tags::MOST_ON_DOCUMENT && tags.iter().all(fit)).then_some(tags)
}

fn choice<E: ActiveEnum<Value = String>>(value: &Value) -> Option<E> {
    E::try_from_value(&value.as_str()?.trim().to_ascii_lowercase()).ok()
}

/// A moment, as front matter writes it: RFC 3339, the same with spaces, or a day. Without a zone it is UTC.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str()?.trim();
    let zoned =
        ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M %#z"];
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let found = DateTime::parse_from_rfc3339(text)
        .ok()
        .or_else(|| zoned.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()))
        .map(|time| time.with_timezone(&Utc))
        .or_else(|| {
            local.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).map(|time| time.and_utc())
        })
        .or_else(|| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN).and_utc()))?;
    let year = chrono::Datelike::year(&found);
    (1..=9_999).contains(&year).then(|| found.trunc_subsecs(6))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_gives_what_a_document_has_a_place_for_and_the_rest_is_metadata() {
        let file = "---\r\ntitle: Seals: the long story\r\n---\r\nText\r\n";
        let (front, body) = split(file);
        assert_eq!((front.title.as_deref(), body), (None, file), "a broken block is text");
        assert_eq!(front.remarks.len(), 1);

        let file = "---\ntitle: \"Seals: the long story\"\ntags: [rubber, Cold weather]\ndate: 2024-02-29 08:30:00 +0100\n\
            lang: de_at\ndraft: true\nvisibility: PRIVATE\nweight: 3\nauthor:\n  name: Ilse\n---\n# Seals\n";
        let (front, body) = split(file);
        assert_eq!(front.title.as_deref(), Some("Seals: the long story"));
        assert_eq!(front.tags, Some(vec!["rubber".to_owned(), "Cold weather".to_owned()]));
        assert_eq!(front.created_at.map(|time| time.to_rfc3339()).as_deref(), Some("2024-02-29T07:30:00+00:00"));
        assert_eq!(front.language_code.as_deref(), Some("de-AT"));
        assert_eq!(front.status, Some(DocumentStatus::Draft));
        assert_eq!(front.visibility, Some(DocumentVisibility::Private));
        assert_eq!(Value::Object(front.metadata), json!({ "weight": 3, "author": { "name": "Ilse" } }));
        assert_eq!((front.remarks, body), (vec![], "# Seals\n"));
    }

    #[test]
    fn toml_is_read_too() {
        let (front, body) = split(
            "+++\ntitle = 'Rivers'\ndate = 2023-07-01\ntags = ['water']\n[extra]\nwhen = 2020-01-01T00:00:00Z\n+++\nText",
        );
        assert_eq!((front.title.as_deref(), body), (Some("Rivers"), "Text"));
        assert_eq!(front.created_at.map(|time| time.to_rfc3339()).as_deref(), Some("2023-07-01T00:00:00+00:00"));
        assert_eq!(Value::Object(front.metadata), json!({ "extra": { "when": "2020-01-01T00:00:00Z" } }));
    }

    #[test]
    fn what_is_not_front_matter_stays_text() {
        for file in [
            "---\nA ruler, a sentence.\n---\nMore",
            "--- \nnever closed",
            "text\n---\na: b\n---\n",
            "----\na: b\n----\n",
            "",
        ] {
            assert_eq!(split(file), (FrontMatter::default(), file));
        }
    }

    #[test]
    fn what_cannot_be_used_is_kept_and_told() {
        let (front, body) = split("---\ndate: soon\nslug: /docs/seals/\nstatus: brewing\ntags: 7\ntitle:\n---\nText");
        assert_eq!(
            (front.created_at, front.slug.as_ref(), front.status, front.tags.as_ref()),
            (None, None, None, None)
        );
        assert_eq!((front.remarks.len(), front.metadata.len(), body), (4, 5, "Text"));
    }

    #[test]
    fn a_bomb_of_aliases_is_text() {
        let mut file = "---\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            file += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", "));
        }
        file += "---\nText";
        let (front, body) = split(&file);
        assert_eq!((front.metadata.len(), front.remarks.len(), body), (0, 1, file.as_str()));
    }
}
