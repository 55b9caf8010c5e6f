//! Tests of the trace format.

mod common;
mod errors;
mod hostile;
mod lint;
mod readme;
mod round_trip;
mod schema;
