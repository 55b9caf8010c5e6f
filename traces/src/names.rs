//! Names of connections and chains: shared strings, so that an event is cheap to clone.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::Printable;

/// The name of a connection as one end sees it: `dialler>acceptor`, each a socket address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionName(Arc<str>);

/// A text that does not have the shape `dialler>acceptor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a connection name such as \"127.0.0.1:40002>127.0.0.1:30003\"")]
pub struct ConnectionNameError;

impl ConnectionName {
    /// The name of the connection that `dialler` opened to `acceptor`.
    #[must_use]
    pub fn new(dialler: impl fmt::Display, acceptor: impl fmt::Display) -> Self {
        Self(format!("{dialler}>{acceptor}").into())
    }

    /// Reads a name.
    ///
    /// # Errors
    /// When the text is not two non-empty parts with one `>` between them.
    pub fn parse(text: &str) -> Result<Self, ConnectionNameError> {
        check(text).map(|()| Self(text.into()))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name is refused rather than guessed at: it is half of a message's identity.
fn check(text: &str) -> Result<(), ConnectionNameError> {
    match text.split_once('>') {
        Some((dialler, acceptor))
            if !dialler.is_empty() && !acceptor.is_empty() && !acceptor.contains('>') =>
        {
            Ok(())
        }
        Some(_) | None => Err(ConnectionNameError),
    }
}

/// For people: what could harm a terminal is escaped. [`ConnectionName::as_str`] is exact.
impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.0).fmt(f)
    }
}

/// The name of a chain: a part of one incarnation's events that is totally ordered by `seq`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain(Option<Arc<str>>);

impl Chain {
    /// The chain of events that name none.
    pub const MAIN: Self = Self(None);

    /// The chain of the given name; `main` is [`Chain::MAIN`].
    #[must_use]
    pub fn new(name: &str) -> Self {
        if name == "main" { Self::MAIN } else { Self(Some(name.into())) }
    }

    /// The chain in which the recorder counts what it did to the processes.
    #[must_use]
    pub fn harness() -> Self {
        Self::new("harness")
    }

    /// Whether this is the recorder's chain.
    #[must_use]
    pub fn is_harness(&self) -> bool {
        self.as_str() == "harness"
    }

    /// Whether this is the chain of events that name none.
    #[must_use]
    pub const fn is_main(&self) -> bool {
        self.0.is_none()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("main")
    }
}

/// For people: what could harm a terminal is escaped. [`Chain::as_str`] is exact.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(self.as_str()).fmt(f)
    }
}

/// Gives equal texts one allocation. A trace has few names and many events.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    names: HashSet<Arc<str>>,
}

impl Interner {
    /// The connection with this name.
    pub(crate) fn connection(&mut self, text: &str) -> Result<ConnectionName, ConnectionNameError> {
        check(text)?;
        Ok(ConnectionName(self.intern(text)))
    }

    /// The chain with this name.
    pub(crate) fn chain(&mut self, text: &str) -> Chain {
        if text == "main" { Chain::MAIN } else { Chain(Some(self.intern(text))) }
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.names.get(text) {
            return Arc::clone(name);
        }
        let name: Arc<str> = text.into();
        self.names.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_two_ends() {
        assert_eq!(ConnectionName::new("a:1", "b:2").as_str(), "a:1>b:2");
        assert!(ConnectionName::parse("a:1>b:2").is_ok());
        for text in ["", ">", "a", "a>", ">b", "a>b>c"] {
            assert_eq!(ConnectionName::parse(text), Err(ConnectionNameError), "{text:?}");
        }
    }

    #[test]
    fn main_is_the_unnamed_chain() {
        assert_eq!(Chain::new("main"), Chain::MAIN);
        assert_eq!(Chain::MAIN.as_str(), "main");
        assert_ne!(Chain::harness(), Chain::MAIN);
    }

    #[test]
    fn equal_names_share_one_allocation() {
        let mut interner = Interner::default();
        let one = interner.connection("a>b").map(|name| name.0.as_ptr());
        let two = interner.connection("a>b").map(|name| name.0.as_ptr());
        assert!(one.is_ok());
        assert_eq!(one, two);
    }
}
