//! ZAB's global properties, on the histories of all servers joined.
//!
//! They are checked on the states that the steps lead to, so a property can fail only after every
//! step so far was legal: the verdict is then VIOLATES, and it accuses the rules, not the run.
//!
//! Memory: per transaction 16 bytes for the committed log and 8 for its proposal.

mod facts;

use std::collections::BTreeMap;

use zab_paper::primary_order as laws;
use zab_trace::{Epoch, LogDigest, ServerId, TxnDigest, Zxid};

pub(crate) use facts::Facts;

/// What the properties read of a server's history.
pub trait History {
    /// The number of transactions up to and including `zxid`; 0 for `0.0`; none if it is not in
    /// the history.
    fn position(&self, zxid: Zxid) -> Option<u64>;
    /// The digest of the first `length` transactions. `length` is at most the history's length.
    fn digest(&self, length: u64) -> LogDigest;
    /// The last of the first `length` transactions; `0.0` if `length` is 0.
    fn zxid(&self, length: u64) -> Zxid;
    /// The number of all transactions.
    fn length(&self) -> u64;
}

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The property's name.
    pub property: &'static str,
    /// What was seen, in a sentence with both values.
    pub seen: String,
}

/// Everything the properties need to remember of a run.
#[derive(Clone, Debug, Default)]
pub struct Global {
    /// The one committed log: each transaction, and the digest of the log up to it.
    committed: Vec<(Zxid, LogDigest)>,
    /// Who established each epoch.
    established: BTreeMap<Epoch, ServerId>,
    /// The digest of each transaction proposed, by epoch, in the order of the counters.
    proposed: BTreeMap<Epoch, Vec<TxnDigest>>,
}

impl Global {
    /// `integrity`: a transaction is proposed once, and in the order of its epoch.
    ///
    /// # Errors
    /// When it was proposed before, or the one before it was not.
    pub fn proposed(&mut self, zxid: Zxid, digest: TxnDigest) -> Result<(), Broken> {
        let epoch = self.proposed.entry(zxid.epoch).or_default();
        let expected = epoch.len() as u64 + 1;
        if u64::from(zxid.counter) != expected {
            let seen = format!("{zxid} was proposed where {}.{expected} is next", zxid.epoch);
            return Err(Broken { property: laws::INTEGRITY.0, seen });
        }
        epoch.push(digest);
        Ok(())
    }

    /// `single_established_leader` and `committed_never_lost`: an epoch has one established
    /// leader, and its initial history contains all that was ever committed of earlier epochs; that
    /// history is committed from here on.
    ///
    /// A later epoch may have committed already: the acknowledgement that establishes this leader
    /// can arrive long after its sender has followed the next one.
    ///
    /// # Errors
    /// When another server established the epoch, or a committed transaction is missing.
    pub fn established(
        &mut self,
        leader: ServerId,
        epoch: Epoch,
        initial: &impl History,
        length: u64,
    ) -> Result<(), Broken> {
        let first = *self.established.entry(epoch).or_insert(leader);
        if first != leader {
            let seen =
                format!("epoch {epoch} is established by server {first} and by server {leader}");
            return Err(Broken { property: laws::SINGLE_ESTABLISHED_LEADER.0, seen });
        }
        let earlier = self.committed.partition_point(|(zxid, _)| zxid.epoch < epoch);
        if length < earlier as u64 {
            let lost = self.committed[usize::try_from(length).unwrap_or(usize::MAX)].0;
            let seen = format!(
                "server {leader} establishes epoch {epoch} with {length} transactions, but {lost} \
                 is committed"
            );
            return Err(Broken { property: laws::COMMITTED_NEVER_LOST.0, seen });
        }
        self.extend(leader, initial, length, laws::COMMITTED_NEVER_LOST.0)
    }

    /// `agreement`: all that leaders commit is prefixes of one log. `holders` is how many voters
    /// hold the transaction durably at this moment, if that is known.
    ///
    /// # Errors
    /// When the leader's log differs from what is committed, the transaction was never proposed,
    /// or fewer than `quorum` voters hold it.
    pub fn committed(
        &mut self,
        leader: ServerId,
        zxid: Zxid,
        history: &impl History,
        holders: Option<(usize, usize)>,
    ) -> Result<(), Broken> {
        if let Some((holders, quorum)) = holders
            && holders < quorum
        {
            let seen = format!(
                "server {leader} commits {zxid}, which {holders} servers hold durably; a quorum \
                 is {quorum}"
            );
            return Err(Broken { property: laws::COMMITTED_IS_DURABLE.0, seen });
        }
        let Some(length) = history.position(zxid) else {
            let seen = format!("server {leader} commits {zxid}, which it does not hold");
            return Err(Broken { property: laws::INTEGRITY.0, seen });
        };
        self.extend(leader, history, length, laws::AGREEMENT.0)
    }

    /// `prefix_consistency`: what a server in broadcast holds as committed, or delivers, is a
    /// prefix of the committed log.
    ///
    /// # Errors
    /// When it is not.
    pub fn held(
        &self,
        server: ServerId,
        length: u64,
        history: &impl History,
    ) -> Result<(), Broken> {
        let Some(last) = length.checked_sub(1) else { return Ok(()) };
        let zxid = history.zxid(length);
        match usize::try_from(last).ok().and_then(|index| self.committed.get(index)) {
            Some((_, digest)) if *digest == history.digest(length) => Ok(()),
            Some((other, _)) => {
                let seen = format!(
                    "server {server} delivers {zxid} as transaction {length}, where {other} is \
                     committed after another history"
                );
                Err(Broken { property: laws::PREFIX_CONSISTENCY.0, seen })
            }
            None => {
                let seen = format!("server {server} delivers {zxid}, which is not committed");
                Err(Broken { property: laws::INTEGRITY.0, seen })
            }
        }
    }

    /// Adds the leader's first `length` transactions to the committed log.
    fn extend(
        &mut self,
        leader: ServerId,
        history: &impl History,
        length: u64,
        property: &'static str,
    ) -> Result<(), Broken> {
        let known = (self.committed.len() as u64).min(length);
        let index = usize::try_from(known).unwrap_or(usize::MAX);
        let (last, digest) = match index.checked_sub(1) {
            Some(last) => self.committed[last],
            None => (Zxid::ZERO, LogDigest::EMPTY),
        };
        if history.digest(known) != digest {
            let seen = format!(
                "the first {known} transactions of server {leader} are not the committed ones, \
                 which end with {last}"
            );
            return Err(Broken { property, seen });
        }
        for position in known + 1..=length {
            let zxid = history.zxid(position);
            let counter = usize::try_from(zxid.counter).unwrap_or(usize::MAX);
            let proposals = self.proposed.get(&zxid.epoch).map_or(0, Vec::len);
            if counter == 0 || counter > proposals {
                let seen = format!("{zxid} is committed, but was never proposed");
                return Err(Broken { property: laws::INTEGRITY.0, seen });
            }
            self.committed.push((zxid, history.digest(position)));
        }
        Ok(())
    }

    /// How many transactions are committed.
    #[must_use]
    pub fn committed_count(&self) -> u64 {
        self.committed.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history of transactions with these zxids; the digest of each is its zxid.
    struct List(Vec<Zxid>);

    fn list(counters: &[(u32, u32)]) -> List {
        List(counters.iter().map(|(epoch, counter)| Zxid::new(*epoch, *counter)).collect())
    }

    fn txn(zxid: Zxid) -> TxnDigest {
        TxnDigest(u64::from(zxid.epoch) << 32 | u64::from(zxid.counter))
    }

    impl History for List {
        fn position(&self, zxid: Zxid) -> Option<u64> {
            if zxid == Zxid::ZERO {
                return Some(0);
            }
            self.0.iter().position(|held| *held == zxid).map(|index| index as u64 + 1)
        }
        fn digest(&self, length: u64) -> LogDigest {
            let first = self.0.iter().zip(0..length);
            first.fold(LogDigest::EMPTY, |log, (zxid, _)| log.after(*zxid, txn(*zxid)))
        }
        fn zxid(&self, length: u64) -> Zxid {
            self.0.iter().zip(0..length).last().map_or(Zxid::ZERO, |(zxid, _)| *zxid)
        }
        fn length(&self) -> u64 {
            self.0.len() as u64
        }
    }

    fn global(history: &List) -> Global {
        let mut global = Global::default();
        for zxid in &history.0 {
            assert_eq!(global.proposed(*zxid, txn(*zxid)), Ok(()));
        }
        global
    }

    fn property(result: Result<(), Broken>) -> &'static str {
        result.map_or_else(|broken| broken.property, |()| "none")
    }

    #[test]
    fn one_log_committed_by_its_leaders_breaks_nothing() {
        let history = list(&[(1, 1), (1, 2), (2, 1)]);
        let mut global = global(&history);
        assert_eq!(global.established(1, 1, &history, 0), Ok(()));
        assert_eq!(global.committed(1, Zxid::new(1, 1), &history, Some((2, 2))), Ok(()));
        assert_eq!(global.established(2, 2, &history, 2), Ok(()));
        assert_eq!(global.committed(2, Zxid::new(2, 1), &history, None), Ok(()));
        assert_eq!(global.held(3, 3, &history), Ok(()));
        assert_eq!(global.committed_count(), 3);
    }

    #[test]
    fn a_leader_may_be_established_after_a_later_one_has_committed() {
        let history = list(&[(1, 1), (3, 1)]);
        let mut global = global(&history);
        assert_eq!(global.established(1, 1, &history, 0), Ok(()));
        assert_eq!(global.established(3, 3, &history, 1), Ok(()));
        assert_eq!(global.committed(3, Zxid::new(3, 1), &history, None), Ok(()));
        assert_eq!(global.established(2, 2, &history, 1), Ok(()));
        assert_eq!(property(global.established(4, 4, &history, 1)), "committed_never_lost");
    }

    #[test]
    fn each_property_can_fail() {
        let history = list(&[(1, 1), (1, 2)]);
        let other = list(&[(1, 1), (2, 1)]);
        let mut global = global(&history);
        assert_eq!(property(global.proposed(Zxid::new(1, 2), TxnDigest(0))), "integrity");
        assert_eq!(property(global.proposed(Zxid::new(2, 1), TxnDigest(0))), "none");
        assert_eq!(property(global.established(1, 1, &history, 0)), "none");
        assert_eq!(property(global.established(2, 1, &history, 0)), "single_established_leader");
        let z = Zxid::new(1, 2);
        assert_eq!(
            property(global.committed(1, z, &history, Some((1, 2)))),
            "committed_is_durable_on_a_quorum"
        );
        assert_eq!(property(global.committed(1, z, &other, None)), "integrity");
        assert_eq!(property(global.committed(1, z, &history, Some((2, 2)))), "none");
        assert_eq!(property(global.established(3, 2, &list(&[]), 0)), "committed_never_lost");
        assert_eq!(property(global.established(3, 3, &other, 2)), "committed_never_lost");
        assert_eq!(property(global.committed(3, Zxid::new(2, 1), &other, None)), "agreement");
        assert_eq!(property(global.held(3, 2, &other)), "prefix_consistency");
        assert_eq!(property(global.held(3, 3, &list(&[(1, 1), (1, 2), (1, 3)]))), "integrity");
        let never = list(&[(1, 1), (1, 2), (1, 3)]);
        assert_eq!(property(global.committed(1, Zxid::new(1, 3), &never, None)), "integrity");
    }
}
