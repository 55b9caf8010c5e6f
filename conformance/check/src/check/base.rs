//! What every line is explained with, whatever its server.

use zab_model::{Config, Outbox, Wide};

use super::options::Options;
use crate::state::{Candidate, Closure, Context, Future, Linked, Lookahead, Search};
use crate::trace::{Files, Ids, Links, ModelMessage, Shown};

/// What every line is explained with, whatever its server.
pub(super) struct Base<'a> {
    pub(super) options: &'a Options,
    pub(super) lookahead: &'a Lookahead,
    pub(super) files: Files,
    pub(super) cfg: Config<Wide>,
    pub(super) ids: Ids,
    pub(super) links: Links<ModelMessage>,
    pub(super) future: Future,
    pub(super) outbox: Outbox<Wide>,
    /// Model steps taken.
    pub(super) steps: u64,
}

impl Base<'_> {
    /// For one line of a server of which the lines show this.
    pub(super) fn context<'b>(
        &'b mut self,
        shown: Shown,
        linked: &'b Linked,
        search: Search<'b>,
    ) -> Context<'b> {
        Context {
            cfg: &self.cfg,
            ids: &self.ids,
            lookahead: self.lookahead,
            future: &self.future,
            links: &self.links,
            shown,
            linked,
            search,
            witness: self.options.witness,
            outbox: &mut self.outbox,
            steps: &mut self.steps,
        }
    }

    /// How hidden steps are searched of a server in these states.
    pub(super) fn search(&self, frontier: &[Candidate]) -> Search<'static> {
        let closure = self.options.closure;
        Search {
            closure,
            limit: self.options.states_max(frontier),
            narrow: closure == Closure::Reduced,
            lazy: true,
            untaken: &[],
            uncounted: None,
        }
    }
}
