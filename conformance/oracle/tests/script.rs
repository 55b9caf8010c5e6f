//! Runs of explorations, shown as traces, are accepted under the profile that they were made with.

use stateright::Model;
use zab_check::{Options, Verdict, check};
use zab_model::explore::{Action, Bounds, Election, Zab, uneven_starts};
use zab_model::{Grain, Profile, WINDOW_DEFAULT};
use zab_oracle::{NotShown, Rng, script};

fn model(profile: Profile) -> Zab {
    let bounds = Bounds {
        servers: 3,
        observers: 0,
        requests: 3,
        crashes: 2,
        kills: 0,
        lost_disks: 0,
        failed_appends: 0,
        timeouts: 1,
        disconnects: 1,
        rounds: 3,
        resends: 0,
        election: Election::Oracle,
    };
    let mut model = Zab::new(bounds, WINDOW_DEFAULT).expect("the bounds fit");
    model.ensemble.profile = profile;
    model
}

/// Random actions until nothing is possible, or so many.
fn run(model: &Zab, seed: u64, most: usize) -> Vec<Action> {
    let mut rng = Rng::new(seed);
    let mut state = model.init_states().remove(0);
    let mut taken = Vec::new();
    while taken.len() < most {
        let steps = model.next_steps(&state);
        let Some((action, next)) = rng.pick(&steps) else { break };
        taken.push(action);
        state = next;
    }
    taken
}

/// The verdict on the trace of a run. The coarse election lets a server join a leader that writes,
/// and does so twice; of such a run there is no trace.
fn judged(model: &Zab, actions: &[Action]) -> Option<Verdict> {
    let trace = match script(model, actions) {
        Err(NotShown::NotPossible(Action::Join(..))) => return None,
        trace => trace.unwrap_or_else(|why| panic!("{why} in\n{}", list(actions))),
    };
    let options = Options { profile: model.ensemble.profile, ..Options::default() };
    Some(check(&trace, &options).verdict)
}

/// Whether every step of the trace is.
fn is_legal(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Conforms(_) => true,
        Verdict::Violates(violation) => violation.lines.is_some(),
        Verdict::Diverges(_) | Verdict::Inconclusive(_) | Verdict::Refused(_) => false,
    }
}

#[test]
fn what_an_exploration_does_conforms_under_its_profile() {
    for release in ["fixed", "3.4.10", "3.8.0", "3.9.2", "3.9.3", "3.9.4"] {
        let profile = Profile::named(release).expect("a release");
        let model = model(profile.with("older_connection=fenced").expect("a switch"));
        let (mut shown, mut committed) = (0, 0);
        for seed in 0..60 {
            let actions = run(&model, seed, 120);
            let Some(verdict) = judged(&model, &actions) else { continue };
            if let Verdict::Conforms(summary) = &verdict {
                committed += summary.committed;
            }
            // Each step is legal, and what follows from them may be a bug of the release.
            let conforms = matches!(verdict, Verdict::Conforms(_));
            let fine = conforms || (release != "fixed" && is_legal(&verdict));
            assert!(fine, "{release} {seed}: {verdict}\n{}", list(&actions));
            shown += actions.len();
        }
        assert!(shown > 3_000 && committed > 5, "{release}: {shown} steps, {committed} committed");
    }
}

/// A process that is killed leaves to the disk what a power loss takes from it.
#[test]
fn kills_are_shown_by_the_next_start() {
    let mut model = model(Profile::FIXED.with("trunc_durable=no").expect("a switch"));
    model.bounds.kills = 2;
    let mut kills = 0;
    for seed in 0..400 {
        let actions = run(&model, seed, 120);
        let Some(verdict) = judged(&model, &actions) else { continue };
        kills += actions.iter().filter(|action| matches!(action, Action::Kill(_))).count();
        assert!(is_legal(&verdict), "{seed}: {verdict}\n{}", list(&actions));
    }
    assert!(kills > 50, "{kills}");
}

#[test]
fn what_no_line_shows_is_refused_and_named() {
    let mut fails = model(Profile::FIXED);
    fails.bounds.failed_appends = 1;
    let is_failure = |action: &Action| matches!(action, Action::AppendFails(_));
    let runs = (0..2_000).map(|seed| run(&fails, seed, 120));
    let failing = runs.into_iter().find(|actions| actions.iter().any(is_failure));
    let why = script(&fails, &failing.expect("an append fails")).expect_err("no line");
    assert!(matches!(why, NotShown::NoLine(Action::AppendFails(_))), "{why}");

    let mut threads = model(Profile::FIXED);
    threads.ensemble.grain = Grain::Threads;
    assert_eq!(script(&threads, &[]).map(|_| ()), Err(NotShown::Threads));
    let mut messages = model(Profile::FIXED);
    messages.bounds.election = Election::Fle;
    assert_eq!(script(&messages, &[]).map(|_| ()), Err(NotShown::Election));
    let served = model(Profile::named("3.9.3").expect("a release"));
    assert_eq!(script(&served, &[]).map(|_| ()), Err(NotShown::Older));
    let mut late = model(Profile::FIXED);
    late.starts = uneven_starts();
    assert_eq!(script(&late, &[]).map(|_| ()), Err(NotShown::Past));
}

fn list(actions: &[Action]) -> String {
    actions.iter().map(|action| format!("{action}\n")).collect()
}
