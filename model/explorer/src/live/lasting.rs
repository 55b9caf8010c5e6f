//! The steps that a run may take for ever: all, or all but those of some classes.

use super::graph::Edges;
use crate::options::Refused;

/// Which classes of steps may be taken again and again.
#[derive(Clone)]
pub(super) struct Lasting {
    /// By class; empty when all may.
    ends: Vec<bool>,
}

impl Lasting {
    /// All of them.
    #[cfg(test)]
    pub(super) fn all() -> Self {
        Self { ends: Vec::new() }
    }

    /// All of so many but these.
    ///
    /// # Errors
    /// When there is no such class.
    pub(super) fn but(finitely: &[u16], classes: usize) -> Result<Self, Refused> {
        if finitely.is_empty() {
            return Ok(Self { ends: Vec::new() });
        }
        let mut ends = vec![false; classes];
        for class in finitely {
            let place = ends.get_mut(usize::from(*class));
            *place.ok_or(Refused::NoSuchClass { class: *class })? = true;
        }
        Ok(Self { ends })
    }

    /// Whether it is all.
    pub(super) fn is_all(&self) -> bool {
        self.ends.is_empty()
    }

    #[inline]
    pub(super) fn has(&self, class: u16) -> bool {
        self.ends.get(usize::from(class)).is_none_or(|ends| !ends)
    }

    /// Whether such a step leads from a state to one of that kind.
    #[inline]
    pub(super) fn leads(&self, edges: &Edges, node: u32, there: impl Fn(u32) -> bool) -> bool {
        if self.is_all() {
            return edges.targets(node).iter().any(|target| there(*target));
        }
        edges.of(node).any(|(target, class)| self.has(class) && there(target))
    }

    /// Where the next such step of a state leads, from the step with that number on, and the number
    /// of the step after it.
    #[inline]
    pub(super) fn next(&self, edges: &Edges, node: u32, from: u32) -> Option<(u32, u32)> {
        let mut step = from;
        loop {
            let (target, class) = edges.step(node, step)?;
            step += 1;
            if self.has(class) {
                return Some((target, step));
            }
        }
    }
}
