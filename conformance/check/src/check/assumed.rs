//! What a run over a trace takes for granted.

use std::rc::Rc;

use zab_trace::{Pair, ReadError};

use crate::trace::{Inputs, Orders, Plan, Shows, pairing};

/// What a run over a trace takes for granted.
#[derive(Debug, Default)]
pub(super) struct Assumed {
    /// Names that a relay joined.
    pub(super) joined: Vec<Pair>,
    /// The order of lines that are only partially ordered, once it has been looked for.
    pub(super) orders: Rc<Orders>,
    pub(super) is_scanned: bool,
    /// Which uses of a name belong together, where it is not the n-th to the n-th.
    pub(super) plan: Option<Plan>,
    /// Plans that were not tried yet, the next one last; none if they are not known.
    pub(super) plans: Option<Vec<Plan>>,
    /// There may be plans besides those.
    pub(super) has_several: bool,
    /// No plan that was tried explains the trace, and there may be others.
    pub(super) is_doubtful: bool,
    /// A message that a line waits for was sent, but between two other servers.
    pub(super) is_misdirected: bool,
}

impl Assumed {
    /// Takes another pairing of the uses of names that are used again; false if none is left.
    pub(super) fn next_plan<I: Inputs + ?Sized>(&mut self, inputs: &I) -> Result<bool, ReadError> {
        let mut plans = match self.plans.take() {
            Some(plans) => plans,
            None => self.find_plans(inputs)?,
        };
        let next = plans.pop();
        // Whether one of the pairings between the first and the last would do, is not known.
        self.is_doubtful = next.is_none() && self.has_several;
        self.plans = Some(plans);
        if next.is_some() {
            self.plan = next;
            return Ok(true);
        }
        Ok(false)
    }

    fn find_plans<I: Inputs + ?Sized>(&mut self, inputs: &I) -> Result<Vec<Plan>, ReadError> {
        let header = inputs.open()?.first().map(|input| input.header.clone());
        let Some(header) = header else { return Ok(Vec::new()) };
        let shows = |server| Shows {
            partial: self.orders.is_partial(server),
            ..Shows::new(&header.contract)
        };
        let Some([early, late]) = pairing(inputs, shows)? else { return Ok(Vec::new()) };
        self.has_several = early != late;
        let mut plans = vec![late, early];
        plans.dedup();
        // The first use to the first, the second to the second: this one has been tried.
        plans.retain(|plan| plan.iter().any(|((_, _, _, number), partner)| number != partner));
        Ok(plans)
    }
}
