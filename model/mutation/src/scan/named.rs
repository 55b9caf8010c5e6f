//! Defects that no omission and no negation makes: each puts other text in the place of some.

use std::ops::Range;

use super::{Form, Found};

/// A defect with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its name.
    pub name: &'static str,
    /// The function that it is in.
    function: &'static str,
    /// What stands there in the source, once.
    code: &'static str,
    /// What stands there instead.
    pub instead: &'static str,
}

/// All of them.
pub(crate) const NAMED: &[Named] = &[
    Named {
        name: "newest proposed first",
        function: "leader_broadcast_propose",
        code: "Zxid::new(epoch, server.leading.sent)",
        instead: "last",
    },
    Named {
        name: "commit to unsynced",
        function: "try_to_commit",
        code: "server.leading.ack_ld.connected",
        instead: "server.leading.ack_epoch.connected",
    },
    Named {
        name: "epoch not raised",
        function: "leader_process_cepoch",
        code: "greatest + 1",
        instead: "greatest",
    },
    Named {
        name: "promise forgotten",
        function: "restart",
        code: "server.last_committed = 0;",
        instead: "server.last_committed = 0; server.accepted_epoch = server.current_epoch;",
    },
    Named {
        name: "history forgotten",
        function: "restart",
        code: "server.last_committed = 0;",
        instead: "server.last_committed = 0; server.history = Default::default();",
    },
];

impl Named {
    /// Its place in a function, whose text is that range of the file.
    fn find(&'static self, text: &str, function: &Range<usize>) -> Result<Found, String> {
        let mut places = text[function.clone()].match_indices(self.code);
        let (Some((at, code)), None) = (places.next(), places.next()) else {
            return Err(format!("{}: not once in {}: {}", self.name, self.function, self.code));
        };
        let start = function.start + at;
        Ok(Found {
            range: start..start + code.len(),
            form: Form::Other(self),
            line: text[..start].matches('\n').count() + 1,
            function: self.function.to_owned(),
            per_call: false,
            name: None,
            reason: None,
        })
    }
}

/// The places of all defects of a function.
///
/// # Errors
/// When the text of one is not there, or more than once.
pub(super) fn find(name: &str, text: &str, function: &Range<usize>) -> Result<Vec<Found>, String> {
    NAMED.iter().filter(|named| named.function == name).map(|n| n.find(text, function)).collect()
}
