//! How far a run is.

use zab_explorer::Progress;

/// What is being done, and how far it is.
#[derive(Clone, Copy, Debug)]
pub enum Now<'a> {
    /// States are visited, and properties checked.
    Exploring(&'a Progress),
    /// After a violation without a bound on failures: runs with fewer failures are looked for.
    Fewer(&'a Progress),
    /// After that: the graph for liveness is built.
    Graph(&'a Progress),
    /// This claim of liveness is judged.
    Judging(&'static str),
}

/// Who is told of it.
pub(crate) type Tell<'t> = dyn FnMut(Now<'_>) + 't;
