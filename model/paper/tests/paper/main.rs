//! The `paper` family against the published specification: counts, symmetry, readings,
//! liveness.

mod counts;
mod lassos;
mod liveness;
mod packed;
mod readings;
mod refinement;
mod stories;
mod support;
mod symmetry;
