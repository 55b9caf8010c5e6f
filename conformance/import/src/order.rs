//! Which server of a trace has which id in the model.

use zab_model::{ServerId, ServerSet};

/// The servers of a trace, the one with the lowest id first.
#[derive(Clone, Debug)]
pub(crate) struct Order<'a> {
    places: Vec<usize>,
    names: &'a [String],
}

impl<'a> Order<'a> {
    /// Every order of these servers.
    pub(crate) fn all(names: &'a [String]) -> Vec<Self> {
        let mut all = vec![vec![]];
        for place in 0..names.len() {
            all = all.into_iter().flat_map(|order| with_everywhere(&order, place)).collect();
        }
        all.into_iter().map(|places| Self { places, names }).collect()
    }

    /// The id of the server at a place of the trace.
    pub(crate) fn id(&self, place: usize) -> ServerId {
        let rank = self.places.iter().position(|known| *known == place);
        ServerId(rank.and_then(|rank| u8::try_from(rank + 1).ok()).unwrap_or_default())
    }

    /// The ids of the servers at these places.
    pub(crate) fn set(&self, places: &[usize]) -> ServerSet {
        let mut set = ServerSet::default();
        places.iter().for_each(|place| set.insert(self.id(*place)));
        set
    }

    /// The name that the trace has for a server.
    pub(crate) fn name(&self, id: ServerId) -> &'a str {
        let place = id.row().and_then(|rank| self.places.get(rank));
        place.and_then(|place| self.names.get(*place)).map_or("nobody", String::as_str)
    }

    /// The names of servers, as one text.
    pub(crate) fn names(&self, set: ServerSet) -> String {
        let mut names: Vec<&str> = set.iter().map(|id| self.name(id)).collect();
        names.sort_unstable();
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
    }

    /// All names, the one with the lowest id first.
    pub(crate) fn ranked(&self) -> Vec<String> {
        self.places.iter().filter_map(|place| self.names.get(*place)).cloned().collect()
    }
}

/// One more at every place.
fn with_everywhere(order: &[usize], place: usize) -> Vec<Vec<usize>> {
    (0..=order.len())
        .map(|at| {
            let mut longer = order.to_vec();
            longer.insert(at, place);
            longer
        })
        .collect()
}
