//! Finding documents by words, and reading the text of one, for who asks without the graph. What is found lies within the
//! viewer's reach, and neither archived nor in the trash.

mod store;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::content::document;
use entity::ids::{DocumentId, SpaceId};

use super::store::Contents;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::MOST;
use crate::platform::request::Request;
use store::{Ranked, Words};

/// Characters of a query at most.
const MOST_CHARACTERS: usize = 500;

/// A page of what was found, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub documents: Vec<document::Model>,
    /// None on the last page.
    pub next_cursor: Option<String>,
}

/// Finds documents whose title or text holds the words of the query, 1 to 100 at a time, after a cursor.
pub async fn search(
    request: &Request,
    query: &str,
    space: Option<SpaceId>,
    limit: i32,
    cursor: Option<&str>,
) -> Result<Found> {
    let query = query.trim();
    if query.is_empty() || query.chars().count() > MOST_CHARACTERS || query.contains('\0') {
        return Err(Error::bad_input("query", format!("Give 1 to {MOST_CHARACTERS} characters, without NUL.")));
    }
    let size = usize::try_from(limit).ok().filter(|_| (1..=MOST).contains(&limit));
    let size = size.ok_or_else(|| Error::bad_input("limit", format!("{limit} is not within 1 to {MOST}.")))?;
    let unknown = || Error::bad_input("cursor", "This is not a cursor of a search.");
    let after = cursor.map(|text| Place::read(text).ok_or_else(unknown)).transpose()?;
    let mut ranked = store::search(request, &Words { query, space, after, size: size + 1 }).await?;
    let more = ranked.len() > size;
    ranked.truncate(size);
    let last = ranked.last().filter(|_| more);
    let next_cursor = last.map(|Ranked { rank, document }| Place { rank: *rank, id: document.id }.write());
    Ok(Found { documents: ranked.into_iter().map(|ranked| ranked.document).collect(), next_cursor })
}

/// The text of a document that the viewer may read.
pub async fn source(request: &Request, document: &document::Model) -> Result<Arc<str>> {
    request.take_content_bytes(u64::from(document.size_bytes.unsigned_abs()))?;
    let row = request.load::<Contents>(document.id).await?;
    Ok(row.map_or_else(|| "".into(), |row| row.source.as_str().into()))
}

/// Where a document stands among those that were found.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    rank: f64,
    id: DocumentId,
}

impl Place {
    fn write(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{:x}:{}", self.rank.to_bits(), self.id))
    }

    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (rank, id) = text.split_once(':')?;
        let rank = f64::from_bits(u64::from_str_radix(rank, 16).ok()?);
        Some(Self { rank, id: id.parse().ok()? }).filter(|place| place.rank.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_cursor_and_nonsense_is_none() {
        let place = Place { rank: 1.060_792_088_508_606, id: DocumentId(uuid::Uuid::from_u128(7)) };
        assert_eq!(Place::read(&place.write()), Some(place));
        for text in ["", "x", "eA", &URL_SAFE_NO_PAD.encode("7ff0000000000000:doc_x")] {
            assert_eq!(Place::read(text), None, "{text}");
        }
    }
}
