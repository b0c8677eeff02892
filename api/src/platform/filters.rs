//! Typed comparators for list filters.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, extension::postgres::PgExpr};
use sea_orm::{ColumnTrait, Condition};

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
    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        let pattern = |prefix: &str, text: &str| format!("{prefix}{}%", escape(text));
        Condition::all()
            .add_option(self.eq.as_ref().map(|text| column.eq(text.as_str())))
            .add_option(self.one_of.as_ref().map(|texts| column.eq_any(texts.clone())))
            .add_option(self.contains.as_ref().map(|text| column.into_expr().ilike(pattern("%", text))))
            .add_option(self.starts_with.as_ref().map(|text| column.into_expr().ilike(pattern("", text))))
    }
}

/// A text that LIKE takes literally.
fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

impl TimeFilter {
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
