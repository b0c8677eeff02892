//! What the server answered, with short ways to look into it.

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.expect("the answer arrives whole");
        Self { status, headers, json: serde_json::from_str(&body).unwrap_or_default(), body }
    }

    /// The value at a path such as `viewer.organizations.nodes.0.slug`; null when there is none.
    pub fn at(&self, path: &str) -> &Value {
        at(&self.json["data"], path)
    }

    /// The text at a path.
    pub fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_else(|| panic!("no text at {path}: {}", self.body))
    }

    /// The number at a path.
    pub fn number(&self, path: &str) -> i64 {
        self.at(path).as_i64().unwrap_or_else(|| panic!("no number at {path}: {}", self.body))
    }

    /// The list at a path.
    pub fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().unwrap_or_else(|| panic!("no list at {path}: {}", self.body))
    }

    /// The texts of a field of each object in a list.
    pub fn texts(&self, path: &str, field: &str) -> Vec<String> {
        let text = |object: &Value| at(object, field).as_str().map(str::to_owned);
        let texts: Option<Vec<String>> = self.list(path).iter().map(text).collect();
        texts.unwrap_or_else(|| panic!("no text {field} everywhere at {path}: {}", self.body))
    }

    /// The code of each error, in order; of a query that is too complex, the reason.
    pub fn codes(&self) -> Vec<&str> {
        reasons(&self.json)
    }

    /// The one error's code.
    pub fn code(&self) -> &str {
        match self.codes().as_slice() {
            [code] => code,
            _ => panic!("not one error: {}", self.body),
        }
    }

    /// The payload of the only root field.
    pub fn payload(&self) -> &Value {
        let fields = self.json["data"].as_object();
        fields.and_then(|fields| fields.values().next()).unwrap_or(&Value::Null)
    }

    /// The code of each user error of the only mutation.
    pub fn refusals(&self) -> Vec<&str> {
        let errors = self.payload()["userErrors"].as_array().map_or(&[][..], Vec::as_slice);
        errors.iter().map(|error| error["code"].as_str().unwrap_or("none")).collect()
    }

    /// The only mutation was refused with this code, about this field of its input ("" for the whole of it).
    #[track_caller]
    pub fn refused(&self, code: &str, field: &str) {
        let path: Vec<&str> = match field {
            "" => Vec::new(),
            field => std::iter::once("input").chain(field.split('.')).collect(),
        };
        let path = Value::from(path);
        let errors = &self.payload()["userErrors"];
        assert_eq!((self.refusals().as_slice(), &errors[0]["field"]), (&[code][..], &path), "{}", self.body);
        assert!(self.codes().is_empty(), "{}", self.body);
    }

    /// The operation ran without an error of either kind.
    #[track_caller]
    pub fn well(self) -> Self {
        assert!(self.status.is_success() && self.codes().is_empty(), "{} {}", self.status, self.body);
        assert!(self.json["data"].is_object(), "{}", self.body);
        if let Some(fields) = self.json["data"].as_object() {
            for payload in fields.values() {
                let errors = payload["userErrors"].as_array().map_or(0, Vec::len);
                assert_eq!(errors, 0, "{}", self.body);
            }
        }
        self
    }

    /// How many SQL statements the operation took.
    pub fn statements(&self) -> u32 {
        let timing = self.headers.get("server-timing").and_then(|value| value.to_str().ok());
        let number = timing.and_then(|text| text.split('"').nth(1)).and_then(|text| text.split(' ').next());
        let number = number.unwrap_or_else(|| panic!("no count of statements: {:?}", self.headers));
        number.parse().unwrap_or_else(|_| panic!("no number of statements: {number}"))
    }
}

/// The value at a dotted path of fields and indexes.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').filter(|step| !step.is_empty()).fold(value, |value, step| match step.parse::<usize>() {
        Ok(index) => &value[index],
        Err(_) => &value[step],
    })
}

/// The code of each error of one answer, in order; of a query that is too complex, the reason.
pub fn reasons(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors.iter().map(|error| reason(error).unwrap_or("none")).collect()
}

/// The reason of an error, or its code.
pub fn reason(error: &Value) -> Option<&str> {
    error["extensions"]["reason"].as_str().or(error["extensions"]["code"].as_str())
}
