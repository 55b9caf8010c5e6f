//! Every recipe on real servers, which are killed meanwhile; what the clients saw is judged. And
//! every recipe with a mistake, which its check must find.
//!
//! By default the servers are `zab-server`; `ZAB_APACHE=/usr/share/java/zookeeper.jar` runs the same
//! on Apache ZooKeeper.

mod support;
mod work;

use support::{Target, World, in_time};
use work::Work;
use zab_history::{Rule, Verdict};
use zab_recipes::Mistake;

/// The work on three servers that are killed meanwhile: everything that is promised holds, and the
/// recipe's own rules were asked.
async fn holds(name: &str, work: Work, rules: &[Rule]) {
    let mut world = World::start(Target::asked(), 3);
    let actors = work.actors(&world).await;
    world.with_kills(work.run(actors, Mistake::None)).await;
    let (history, report) = world.judge(name);
    if let Verdict::Violates(found) = &report.verdict {
        let (_, line) = history.place(found.index);
        panic!("{name}, line {line}: {found}");
    }
    assert_eq!(report.verdict, Verdict::Conforms);
    for rule in rules {
        assert!(report.summary.asked.get(rule).copied().unwrap_or(0) > 0, "{rule} was not asked");
    }
    eprintln!(
        "{name}: {} operations, {} of unknown outcome, {} events",
        report.summary.operations, report.summary.unknown, report.summary.events
    );
}

/// How often a mistake may go unnoticed: whether it shows depends on who comes first.
const TRIES: usize = 20;

/// The work with a mistake in it, on one server, until the mistake shows: then exactly the rule of
/// the recipe is broken.
async fn finds(name: &str, work: Work, mistake: Mistake, rule: Rule) {
    for _ in 0..TRIES {
        let world = World::start(Target::asked(), 1);
        let actors = work.actors(&world).await;
        in_time(work.run(actors, mistake)).await;
        let (_, report) = world.judge(name);
        let found: std::collections::BTreeSet<Rule> =
            report.violations.iter().map(|found| found.rule).collect();
        let general = Rule::ALL[..10].iter().filter(|rule| found.contains(rule)).count();
        assert_eq!(general, 0, "the server keeps its promises: {:?}", report.violations);
        if found.contains(&rule) {
            return;
        }
    }
    panic!("{mistake:?} is not found by {rule}");
}

macro_rules! recipes {
    ($($test:ident, $wrong:ident: $work:expr, [$($rule:ident),+], [$($mistake:ident => $broken:ident),+];)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                holds(stringify!($test), $work, &[$(Rule::$rule),+]).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn $wrong() {
                $(finds(stringify!($wrong), $work, Mistake::$mistake, Rule::$broken).await;)+
            }
        )+
    };
}

recipes! {
    an_exclusive_lock_has_one_holder, mistakes_in_an_exclusive_lock_are_found:
        Work::Exclusive, [LockExclusion, LockToken],
        [LockDoesNotWait => LockExclusion, TokenOfChildren => LockToken];
    a_writer_shares_its_lock_with_nobody, mistakes_in_a_shared_lock_are_found:
        Work::Shared, [LockExclusion, LockToken], [ReaderIgnoresWriters => LockExclusion];
    a_queue_gives_each_item_once_and_in_order, mistakes_in_a_queue_are_found:
        Work::Queue, [QueueOrder, QueueOnce],
        [TakeIgnoresDelete => QueueOnce, TakesYoungest => QueueOrder];
    nobody_passes_a_barrier_early, mistakes_in_a_barrier_are_found:
        Work::Barrier, [Barrier], [BarrierDoesNotWait => Barrier];
    no_id_is_given_twice, mistakes_in_ids_are_found:
        Work::Ids, [IdsUnique], [IdOfChildren => IdsUnique];
    every_subscriber_has_the_last_configuration, mistakes_in_a_configuration_are_found:
        Work::Config, [Config], [WatchesOnce => Config];
    a_node_is_fenced_before_the_next_is_active, mistakes_in_a_failover_are_found:
        Work::Failover, [Fence], [ActiveBeforeFence => Fence];
    name_nodes_that_share_a_journal_lose_no_edit, mistakes_of_name_nodes_are_found:
        Work::Hdfs, [Fence], [ActiveBeforeFence => Fence];
}
