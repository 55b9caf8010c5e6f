//! What stands in a capture around the packets of findings.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zab_capture::Item;
use zab_view::Sequence;

use super::{Diagram, Gap, Phases, is_shown};

/// So many entries before a packet, and after it.
const BEFORE: usize = 6;
const AFTER: usize = 3;

/// For each set of lines a diagram of what stands around them, if there is anything. The capture is
/// read again, once for all.
pub(crate) fn near<L>(capture: &Path, sets: impl IntoIterator<Item = L>) -> Vec<Option<Sequence>>
where
    L: IntoIterator<Item = u64>,
{
    let mut windows: Vec<Window> = sets.into_iter().map(Window::new).collect();
    let mut recent: VecDeque<Item> = VecDeque::with_capacity(BEFORE + 1);
    // Where what is no longer among the recent ones has led.
    let mut phases = Phases::default();
    let mut number = 0;
    let visit = |item: &Item| {
        if !is_shown(&item.what) && !windows.iter().any(|window| window.diagram.marks(item)) {
            return;
        }
        recent.push_back(item.clone());
        windows.iter_mut().for_each(|window| window.visit(number, &recent, &phases));
        number += 1;
        if recent.len() > BEFORE
            && let Some(left) = recent.pop_front()
        {
            phases.step(&left.what);
        }
    };
    // What can be read of it is drawn; what cannot is told by those who judge it.
    if let Ok(file) = File::open(capture) {
        let _ = zab_capture::decode(BufReader::new(file), visit);
    }
    windows.iter().map(|window| window.diagram.sequence()).collect()
}

/// One diagram in the making.
struct Window {
    diagram: Diagram,
    /// The first entry that has not been looked at for the diagram.
    next: usize,
    /// So many entries are still to come after a packet.
    owed: usize,
}

impl Window {
    fn new(lines: impl IntoIterator<Item = u64>) -> Self {
        Self { diagram: Diagram::marking(lines), next: 0, owed: 0 }
    }

    /// Looks at an entry, the last of those given, by its number. `phases` are those before them.
    fn visit(&mut self, number: usize, recent: &VecDeque<Item>, phases: &Phases) {
        let Some(last) = recent.back() else { return };
        if self.diagram.marks(last) {
            self.owed = AFTER + 1;
        }
        if self.owed == 0 {
            return;
        }
        self.owed -= 1;
        let oldest = number + 1 - recent.len();
        if oldest > self.next {
            let gap = Gap { entries: oldest - self.next, phases: phases.clone() };
            self.diagram.leave_out(gap);
        }
        let known = self.next.saturating_sub(oldest);
        recent.iter().skip(known).for_each(|item| self.diagram.add(item));
        self.next = number + 1;
    }
}
