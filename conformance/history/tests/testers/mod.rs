//! stateright's testers of consistency on histories of plain nodes: they search over all orders, and
//! know nothing of zxids.

use std::collections::BTreeMap;

use stateright::semantics::{
    ConsistencyTester, LinearizabilityTester, SequentialConsistencyTester, SequentialSpec,
};
use zab_history::{Call, History, Operation, What};

/// Data by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Nodes(BTreeMap<String, String>);

/// What was answered: an error's name, or data.
type Answer = Result<Option<String>, String>;

impl SequentialSpec for Nodes {
    type Op = Asked;
    type Ret = Answer;

    fn invoke(&mut self, Asked(call): &Asked) -> Answer {
        let refuse = |why: &str| Err(why.to_owned());
        match call {
            Call::Create { path, data, .. } => {
                if self.0.contains_key(path) {
                    return refuse("NodeExists");
                }
                self.0.insert(path.clone(), data.clone());
                Ok(None)
            }
            Call::Delete { path, .. } => match self.0.remove(path) {
                Some(_) => Ok(None),
                None => refuse("NoNode"),
            },
            Call::Set { path, data, .. } => match self.0.get_mut(path) {
                Some(own) => {
                    own.clone_from(data);
                    Ok(None)
                }
                None => refuse("NoNode"),
            },
            Call::Get { path, .. } => match self.0.get(path) {
                Some(data) => Ok(Some(data.clone())),
                None => refuse("NoNode"),
            },
            other => panic!("{other} is not plain"),
        }
    }
}

/// A call, as stateright wants it.
#[derive(Clone, Debug, PartialEq)]
struct Asked(Call);

fn answer(operation: &Operation) -> Answer {
    match &operation.error {
        Some(error) => Err(error.clone()),
        None => Ok(operation.reply.data.clone()),
    }
}

fn feed<T: ConsistencyTester<u32, Nodes>>(
    history: &History,
    mut tester: T,
    take: impl Fn(&Operation) -> bool,
) -> bool {
    let mut moments: Vec<(u64, u32, &Operation)> = Vec::new();
    for line in &history.lines {
        if let What::Operation(operation) = &line.what
            && take(operation)
        {
            moments.push((operation.invoked, line.client, operation));
            moments.push((operation.returned.expect("no faults"), line.client, operation));
        }
    }
    moments.sort_by_key(|(at, _, _)| *at);
    for (at, client, operation) in moments {
        let fed = if at == operation.invoked {
            tester.on_invoke(client, Asked(operation.call.clone())).map(drop)
        } else {
            tester.on_return(client, answer(operation)).map(drop)
        };
        fed.expect("one request after the other");
    }
    tester.is_consistent()
}

pub(crate) fn writes_are_linearizable(history: &History) -> bool {
    feed(history, LinearizabilityTester::new(Nodes::default()), |operation| {
        operation.call.is_write()
    })
}

pub(crate) fn all_is_sequential(history: &History) -> bool {
    feed(history, SequentialConsistencyTester::new(Nodes::default()), |_| true)
}
