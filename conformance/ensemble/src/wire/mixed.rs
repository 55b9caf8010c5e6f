//! An ensemble in which each server runs something of its own.

use std::collections::BTreeMap;
use std::process::ExitStatus;

use zab_trace::ServerId;

use crate::process::Launch;
use crate::target::{Life, Setup, Target};

/// What each server runs.
pub struct Mixed {
    first: Box<dyn Target>,
    others: BTreeMap<ServerId, Box<dyn Target>>,
}

impl Mixed {
    /// `first` runs on all servers that `others` does not name.
    #[must_use]
    pub fn new(first: Box<dyn Target>, others: BTreeMap<ServerId, Box<dyn Target>>) -> Self {
        Self { first, others }
    }

    fn of(&self, server: ServerId) -> &dyn Target {
        &**self.others.get(&server).unwrap_or(&self.first)
    }
}

impl Target for Mixed {
    fn software(&self) -> String {
        let others: Vec<String> =
            self.others.iter().map(|(id, target)| format!("{id}: {}", target.software())).collect();
        format!("{}; {}", self.first.software(), others.join(", "))
    }

    fn config(&self, setup: &Setup<'_>) -> String {
        self.of(setup.own.server).config(setup)
    }

    fn files(&self) -> Vec<(&'static str, &'static str)> {
        let others = self.others.values().flat_map(|target| target.files());
        self.first.files().into_iter().chain(others).collect()
    }

    fn launch(&self, life: &Life<'_>) -> Launch {
        self.of(life.server).launch(life)
    }

    fn writes_traces(&self) -> bool {
        false
    }

    fn stopped_well(&self, _status: ExitStatus) -> bool {
        true
    }
}
