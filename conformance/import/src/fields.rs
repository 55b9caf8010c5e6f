//! A value of a JSON document together with where it is, so that a mistake can be named.

use serde_json::Value;
use thiserror::Error;
use zab_model::Zxid;

/// Why a file is not read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotRead {
    /// It is no JSON document.
    #[error("it is no JSON document: {0}")]
    Syntax(String),
    /// Something in it is not as the format says.
    #[error("{place}: {why}")]
    Field {
        /// Where it is, such as `[3].NodeCrash.nodeId`.
        place: String,
        /// What is wrong.
        why: String,
    },
}

/// A value and its place, such as `[3].NodeCrash.nodeId`.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    value: &'a Value,
    place: String,
}

/// The greatest number that the model has room for.
const NUMBER_MAX: u64 = 14;

impl<'a> Field<'a> {
    /// The whole document.
    pub(crate) fn document(value: &'a Value) -> Self {
        Self { value, place: String::new() }
    }

    pub(crate) fn is_not(&self, expected: &str) -> NotRead {
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Array(items) => format!("a list of {}", items.len()),
            Value::Object(fields) => format!("an object with {} fields", fields.len()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => self.value.to_string(),
        };
        self.wrong(format!("expected {expected}, found {found}"))
    }

    pub(crate) fn wrong(&self, why: String) -> NotRead {
        let place = if self.place.is_empty() { "the document" } else { &self.place };
        NotRead::Field { place: place.trim_start_matches('.').to_owned(), why }
    }

    /// A field of an object; `None` if it has none of that name.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<Self>, NotRead> {
        let fields = self.value.as_object().ok_or_else(|| self.is_not("an object"))?;
        let place = format!("{}.{name}", self.place);
        Ok(fields.get(name).map(|value| Self { value, place }))
    }

    /// A field that an object must have.
    pub(crate) fn field(&self, name: &str) -> Result<Self, NotRead> {
        self.optional(name)?.ok_or_else(|| self.wrong(format!("there is no field {name:?}")))
    }

    /// The names of an object's fields.
    pub(crate) fn names(&self) -> Result<Vec<&'a str>, NotRead> {
        let fields = self.value.as_object().ok_or_else(|| self.is_not("an object"))?;
        Ok(fields.keys().map(String::as_str).collect())
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Result<Vec<Self>, NotRead> {
        let items = self.value.as_array().ok_or_else(|| self.is_not("a list"))?;
        let item = |(place, value)| Self { value, place: format!("{}[{place}]", self.place) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(crate) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub(crate) fn text(&self) -> Result<&'a str, NotRead> {
        self.value.as_str().ok_or_else(|| self.is_not("a text"))
    }

    pub(crate) fn truth(&self) -> Result<bool, NotRead> {
        self.value.as_bool().ok_or_else(|| self.is_not("true or false"))
    }

    pub(crate) fn whole(&self) -> Result<u64, NotRead> {
        self.value.as_u64().ok_or_else(|| self.is_not("a whole number"))
    }

    /// A number that the model has room for: an epoch, a counter, an index.
    pub(crate) fn number(&self) -> Result<u8, NotRead> {
        let number = self.whole()?;
        u8::try_from(number).ok().filter(|_| number <= NUMBER_MAX).ok_or_else(|| {
            self.wrong(format!(
                "{number} is more than the {NUMBER_MAX} that the model has room for"
            ))
        })
    }

    /// `[epoch, counter]`.
    pub(crate) fn zxid(&self) -> Result<Zxid<u8>, NotRead> {
        match self.items()?.as_slice() {
            [epoch, counter] => Ok(Zxid::new(epoch.number()?, counter.number()?)),
            _ => Err(self.is_not("a zxid, which is [epoch, counter]")),
        }
    }

    /// Transactions, each an object with a zxid.
    pub(crate) fn zxids_of_txns(&self) -> Result<Vec<Zxid<u8>>, NotRead> {
        self.items()?.iter().map(|txn| txn.field("zxid")?.zxid()).collect()
    }

    /// One of several words.
    pub(crate) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, NotRead> {
        let word = self.text()?;
        let found = words.iter().find(|(known, _)| *known == word);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
            self.is_not(&format!("one of {}", known.join(", ")))
        })
    }
}
