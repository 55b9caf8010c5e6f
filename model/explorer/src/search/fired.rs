//! Counts of the steps of each class.

/// Counts by class, in whole lines of the processor's cache: they change with every step, and what
/// another thread allocates beside them must not suffer from it.
pub(crate) struct Fired {
    lines: Box<[Line]>,
    classes: usize,
}

#[derive(Clone, Copy, Default)]
#[repr(align(128))]
struct Line([u64; 16]);

impl Fired {
    pub(super) fn new(classes: usize) -> Self {
        Self { lines: vec![Line::default(); classes.div_ceil(16)].into(), classes }
    }

    /// # Panics
    /// When the model has no such class.
    #[inline]
    pub(super) fn check(&self, class: u16) -> usize {
        let class = usize::from(class);
        assert!(class < self.classes, "the model has no name for class {class}");
        class
    }

    #[inline]
    pub(super) fn count(&mut self, class: u16) {
        let class = self.check(class);
        self.lines[class / 16].0[class % 16] += 1;
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> u16 {
        u16::try_from(self.classes).unwrap_or(u16::MAX)
    }

    /// Counts that are known, by class.
    pub(crate) fn set(&mut self, counts: &[u64]) {
        let own = self.lines.iter_mut().flat_map(|line| &mut line.0);
        own.zip(counts).for_each(|(own, count)| *own = *count);
    }

    /// How often a step of that class was generated.
    pub(crate) fn of(&self, class: u16) -> u64 {
        let class = usize::from(class);
        self.lines[class / 16].0[class % 16]
    }
}
