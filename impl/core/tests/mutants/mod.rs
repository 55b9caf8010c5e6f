//! Every seeded defect does something: the same inputs, and a last effect that differs.
//!
//! That the checker finds them is shown where whole runs are checked.

use zab_core::Mutant;

use crate::transcript::{Command, Transcript};

const FOLLOWER: &str = "\
peer id=1 voters=(1,2,3) accepted=2 current=1 history=(1.1)
notification from=3 role=LOOKING leader=3 zxid=1.1 peer-epoch=1 round=1
elapsed finalize-wait
connected leader=3
";

const FOLLOWER_IN_BROADCAST: &str = "\
peer id=1 voters=(1,2,3) accepted=1 history=(1.1)
notification from=3 role=LOOKING leader=3 zxid=1.1 peer-epoch=1 round=1
elapsed finalize-wait
connected leader=3
leader-info from=3 epoch=2
diff from=3 zxid=1.1
new-leader from=3 epoch=2
up-to-date from=3
proposal from=3 zxid=2.1
";

const LEADER: &str = "\
peer id=3 voters=(1,2,3,4,5) accepted=2 history=(2.1)
notification from=1 role=LOOKING leader=3 zxid=2.1 peer-epoch=2 round=1
notification from=2 role=LOOKING leader=3 zxid=2.1 peer-epoch=2 round=1
elapsed finalize-wait
accepted from=1
accepted from=2
follower-info from=1 accepted=4
";

const LEADER_WITH_EPOCH: &str = "\
follower-info from=2 accepted=0
";

const LEADER_AT_SYNCHRONIZATION: &str = "\
ack-epoch from=1 current=2 last=2.1
";

const LEADER_IN_BROADCAST: &str = "\
ack-epoch from=2 current=2 last=2.1
ack-ld from=1 epoch=5
ack-ld from=2 epoch=5
request a
";

/// The inputs whose last one shows the defect.
fn script(mutant: Mutant) -> String {
    let leader = [LEADER, LEADER_WITH_EPOCH, LEADER_AT_SYNCHRONIZATION].concat();
    match mutant {
        Mutant::NoWithdraw => [
            &leader,
            LEADER_IN_BROADCAST,
            "ack from=1 zxid=5.1\naccepted from=1 connection=11\n",
            "follower-info from=1 connection=11 accepted=5\n",
            "ack-epoch from=1 connection=11 last=5.1\n",
            "ack from=2 zxid=5.1\nsynced 5.1\n",
        ]
        .concat(),
        Mutant::NoFence => [
            &leader,
            LEADER_IN_BROADCAST,
            "synced 5.1\naccepted from=1 connection=11\n",
            "follower-info from=1 connection=11 accepted=5\n",
            "ack-epoch from=1 connection=11 last=5.1\n",
            "ack-ld from=1 connection=11 epoch=5\n",
            "ack from=2 zxid=5.1\nack from=1 zxid=5.1\n",
        ]
        .concat(),
        Mutant::CommitWithoutQuorum => {
            [&leader, LEADER_IN_BROADCAST, "ack from=1 zxid=5.1\n"].concat()
        }
        Mutant::NoFreshnessCheck => {
            [LEADER, LEADER_WITH_EPOCH, "ack-epoch from=1 current=2 last=2.9\n"].concat()
        }
        Mutant::VoteOrderIgnoresHistory => "\
peer id=1 voters=(1,2,3) accepted=1 history=(1.1)
notification from=3 role=LOOKING leader=3 round=1
"
        .to_owned(),
        Mutant::EstablishedBeforeQuorum => {
            [&leader, "ack-epoch from=2 current=2 last=2.1\nack-ld from=1 epoch=5\n"].concat()
        }
        Mutant::DeliverBeforeDurable => {
            [FOLLOWER_IN_BROADCAST, "commit from=3 zxid=2.1\n"].concat()
        }
        Mutant::EpochNotAdvanced => [LEADER, LEADER_WITH_EPOCH].concat(),
        Mutant::AckEpochAlwaysCounts => [FOLLOWER, "leader-info from=3 epoch=2\n"].concat(),
        Mutant::DiffInsteadOfTrunc => [
            &leader,
            LEADER_IN_BROADCAST,
            "accepted from=4\nfollower-info from=4 accepted=2\nack-epoch from=4 last=4.1\n",
        ]
        .concat(),
        Mutant::CommitAnything => [FOLLOWER_IN_BROADCAST, "commit from=3 zxid=2.2\n"].concat(),
    }
}

/// What each line of the script does, at a peer with this defect or with none.
fn run(script: &str, mutant: Option<Mutant>) -> Vec<String> {
    let mut transcript = Transcript::with_mutant(mutant);
    script.lines().map(|line| transcript.run(&Command::parse(line))).collect()
}

#[test]
fn every_defect_shows_in_the_last_step_and_not_before() {
    for (mutant, rule) in Mutant::ALL {
        let script = script(mutant);
        let (good, bad) = (run(&script, None), run(&script, Some(mutant)));
        let last = good.len() - 1;
        assert_eq!(good[..last], bad[..last], "{mutant:?} ({rule}) shows too early");
        assert_ne!(good[last], bad[last], "{mutant:?} ({rule}) does nothing");
    }
}
