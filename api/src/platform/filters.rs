//! Typed comparators for list filters.

use async_graphql::InputObject;
use chrono::{DateTime, Datelike, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, extension::postgres::PgExpr};
use sea_orm::{ColumnTrait, Condition};

use super::errors::{Error, Result};

/// Compares a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct TextFilter {
    /// Exactly this text.
    pub eq: Option<String>,
    /// One of these texts.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// Contains this text, in any case.
    pub contains: Option<String>,
    /// Begins with this text, in any case.
    pub starts_with: Option<String>,
}

/// Compares a text that is a key: a code, or an id from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct KeyFilter {
    /// Exactly this text.
    pub eq: Option<String>,
    /// One of these texts.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
}

/// Compares an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct TimeFilter {
    /// At this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Before this instant.
    pub before: Option<DateTime<Utc>>,
}

/// Compares a whole number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct IntFilter {
    /// Exactly this number.
    pub eq: Option<i32>,
    /// This number or more.
    pub at_least: Option<i32>,
    /// This number or less.
    pub at_most: Option<i32>,
}

impl TextFilter {
    /// Refuses texts that are too many or too long, and those that the database cannot hold.
    pub fn check(&self, field: &str) -> Result<()> {
        let texts = [&self.eq, &self.contains, &self.starts_with].into_iter().flatten();
        check_texts(field, texts.chain(self.one_of.iter().flatten()))
    }

    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        let pattern = |prefix: &str, text: &str| format!("{prefix}{}%", escape(text));
        Condition::all()
            .add_option(self.eq.as_ref().map(|text| column.eq(text.as_str())))
            .add_option(self.one_of.as_ref().map(|texts| column.eq_any(texts.clone())))
            .add_option(self.contains.as_ref().map(|text| column.into_expr().ilike(pattern("%", text))))
            .add_option(self.starts_with.as_ref().map(|text| column.into_expr().ilike(pattern("", text))))
    }
}

impl KeyFilter {
    /// The same for keys.
    pub fn check(&self, field: &str) -> Result<()> {
        check_texts(field, self.eq.iter().chain(self.one_of.iter().flatten()))
    }

    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        Condition::all()
            .add_option(self.eq.as_ref().map(|text| column.eq(text.as_str())))
            .add_option(self.one_of.as_ref().map(|texts| column.eq_any(texts.clone())))
    }
}

/// Texts of one filter at most, and how long each may be.
const MOST_TEXTS: usize = 100;
const MOST_TEXT_BYTES: usize = 4_000;

fn check_texts<'a>(field: &str, texts: impl Iterator<Item = &'a String>) -> Result<()> {
    for (index, text) in texts.enumerate() {
        if index >= MOST_TEXTS {
            return Err(Error::bad_input(field, format!("Give at most {MOST_TEXTS} texts.")));
        }
        if text.len() > MOST_TEXT_BYTES {
            return Err(Error::bad_input(field, format!("A text has at most {MOST_TEXT_BYTES} bytes.")));
        }
        if text.as_str().contains('\0') {
            return Err(Error::bad_input(field, "No text holds a NUL character."));
        }
    }
    Ok(())
}

/// Refuses a list of more values than there are to choose from.
pub fn check_choices<T>(field: &str, values: Option<&[T]>, most: usize) -> Result<()> {
    match values.is_some_and(|values| values.len() > most) {
        true => Err(Error::bad_input(field, format!("Give at most {most}."))),
        false => Ok(()),
    }
}

/// Refuses a name that nothing has: one that the database cannot hold, or that is far too long.
pub fn check_name(field: &str, name: Option<&str>, refusal: &str) -> Result<()> {
    match name.is_some_and(|name| name.contains('\0') || name.len() > 1_000) {
        true => Err(Error::bad_input(field, refusal)),
        false => Ok(()),
    }
}

/// A text that LIKE takes literally.
pub fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

/// Whether the database can hold the instant: its calendar begins in the year 4713 BC.
pub fn is_storable(time: &DateTime<Utc>) -> bool {
    time.year() > -4_712
}

impl TimeFilter {
    /// Refuses instants that the database cannot hold.
    pub fn check(&self, field: &str) -> Result<()> {
        match [self.since, self.before].iter().flatten().all(is_storable) {
            true => Ok(()),
            false => Err(Error::bad_input(field, "Nothing happened that long ago.")),
        }
    }

    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        Condition::all()
            .add_option(self.since.map(|time| column.into_expr().gte(Expr::value(time))))
            .add_option(self.before.map(|time| column.into_expr().lt(Expr::value(time))))
    }
}

impl IntFilter {
    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        Condition::all()
            .add_option(self.eq.map(|number| column.into_expr().eq(Expr::value(number))))
            .add_option(self.at_least.map(|number| column.into_expr().gte(Expr::value(number))))
            .add_option(self.at_most.map(|number| column.into_expr().lte(Expr::value(number))))
    }
}
