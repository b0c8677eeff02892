//! `Secret`, a column whose value never shows up in logs, debug output, caches or JSON.

use std::fmt;

use sea_orm::{
    ActiveValue, ColIdx, IntoActiveValue, QueryResult, TryGetError, TryGetable,
    sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr, postgres_array::NotU8},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};

/// A hash, an encrypted token or another value that only the code that checks it may see.
///
/// A row that comes back from a cache or from JSON holds the default value instead: it can be shown, and
/// nothing can be checked against it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Named so that each use stands out in review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

impl<'de, T: Default> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self::default())
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Into<Value>> From<Secret<T>> for Value {
    fn from(secret: Secret<T>) -> Self {
        secret.0.into()
    }
}

impl<T: ValueType> ValueType for Secret<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        T::try_from(value).map(Self)
    }

    fn type_name() -> String {
        T::type_name()
    }

    fn array_type() -> ArrayType {
        T::array_type()
    }

    fn column_type() -> ColumnType {
        T::column_type()
    }
}

impl<T: Nullable> Nullable for Secret<T> {
    fn null() -> Value {
        T::null()
    }
}

impl<T: TryGetable> TryGetable for Secret<T> {
    fn try_get_by<I: ColIdx>(result: &QueryResult, index: I) -> Result<Self, TryGetError> {
        T::try_get_by(result, index).map(Self)
    }
}

impl<T> IntoActiveValue<Secret<T>> for Secret<T>
where
    Secret<T>: Into<Value>,
{
    fn into_active_value(self) -> ActiveValue<Secret<T>> {
        ActiveValue::Set(self)
    }
}

impl<T> NotU8 for Secret<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_up_in_no_output() {
        let secret = Secret::new("swordfish".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[redacted] Some([redacted])");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[redacted]\"");
        assert_eq!(secret.expose(), "swordfish");
        let read_back: Secret<String> = serde_json::from_str("\"[redacted]\"").unwrap();
        assert_eq!(read_back, Secret::default());
    }
}
