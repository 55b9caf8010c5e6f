//! What a run does not see, or cannot trust, it says: steps outside of the boundary, states with too
//! many steps, models that panic or answer differently when asked again; and states without a step.

mod boundary;
mod deadlocks;
mod panics;
mod size;
mod small;
mod steadiness;
mod walks;
