//! The `paper` family against the published specification: counts, symmetry, readings,
//! liveness.

#[path = "paper/counts.rs"]
mod counts;
#[path = "paper/lassos.rs"]
mod lassos;
#[path = "paper/liveness.rs"]
mod liveness;
#[path = "paper/packed.rs"]
mod packed;
#[path = "paper/readings.rs"]
mod readings;
#[path = "paper/refinement.rs"]
mod refinement;
#[path = "paper/stories.rs"]
mod stories;
#[path = "paper/support.rs"]
mod support;
#[path = "paper/symmetry.rs"]
mod symmetry;
