//! What a follower does about a leader that it cannot join, or not for long: it waits before it
//! tries again, longer each time, and does not say the same thing at every attempt.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use zab_core::ServerId;

/// The pause after the first attempt that failed; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A server that has served clients for this long has joined; one whose role ends before has
/// made one more attempt that failed.
const STAY: Duration = Duration::from_secs(10);
/// After this time something is said again that was said before.
const AGAIN: Duration = Duration::from_secs(600);
/// Most sentences that are remembered.
const SENTENCES_MAX: usize = 32;

/// Attempts to join the present leader.
#[derive(Debug, Default)]
pub(super) struct Joining {
    leader: Option<ServerId>,
    /// How many attempts failed, one after the other.
    failed: u32,
    /// Since when clients are served.
    serving: Option<Instant>,
    /// What was said of these attempts.
    pub(super) said: Said,
}

impl Joining {
    /// An attempt begins. How long to wait before the leader is dialled; never as long as
    /// `patience`, after which the role would be left.
    pub(super) fn pause(&mut self, leader: ServerId, patience: Duration) -> Duration {
        if self.leader != Some(leader) {
            *self = Self {
                leader: Some(leader),
                said: std::mem::take(&mut self.said),
                ..Self::default()
            };
        }
        let Some(doublings) = self.failed.checked_sub(1) else { return Duration::ZERO };
        let longest = PAUSE_MAX.min(patience / 2);
        let pause = PAUSE.saturating_mul(1 << doublings.min(16)).min(longest);
        // So that servers that failed together do not try again together. A hasher's keys are
        // the randomness that the standard library has.
        let share = RandomState::new().hash_one(()) % 512;
        let share = share as u32;
        pause - pause * share / 1024
    }

    /// Clients are served.
    pub(super) fn serve(&mut self, now: Instant) {
        self.serving = Some(now);
    }

    /// The role ended.
    pub(super) fn leave(&mut self, now: Instant) {
        let has_stayed = self.serving.take().is_some_and(|since| now - since >= STAY);
        self.failed = if has_stayed { 1 } else { self.failed.saturating_add(1) };
    }

    /// From time to time: this server has joined for good. How many things were not said.
    pub(super) fn settle(&mut self, now: Instant) -> Option<u32> {
        let has_stayed = self.serving.is_some_and(|since| now - since >= STAY);
        if !has_stayed || self.failed == 0 && self.said.sentences.is_empty() {
            return None;
        }
        self.failed = 0;
        let kept_back = std::mem::take(&mut self.said).kept_back();
        (kept_back > 0).then_some(kept_back)
    }
}

/// What was said before, so that it is not said again at once.
#[derive(Debug, Default)]
pub(super) struct Said {
    sentences: Vec<Sentence>,
}

#[derive(Debug)]
struct Sentence {
    text: String,
    /// When it was said last.
    at: Instant,
    /// How often it was kept back since.
    kept_back: u32,
}

impl Said {
    /// What is to be said, if anything: a sentence that was said a short while ago is only
    /// counted.
    pub(super) fn say(&mut self, text: String, now: Instant) -> Option<String> {
        if let Some(before) = self.sentences.iter_mut().find(|before| before.text == text) {
            if now - before.at < AGAIN {
                before.kept_back = before.kept_back.saturating_add(1);
                return None;
            }
            before.at = now;
            return Some(match std::mem::take(&mut before.kept_back) {
                0 => text,
                times => format!("{text} ({times} times more since this was said)"),
            });
        }
        if self.sentences.len() == SENTENCES_MAX {
            self.sentences.remove(0);
        }
        self.sentences.push(Sentence { text: text.clone(), at: now, kept_back: 0 });
        Some(text)
    }

    fn kept_back(&self) -> u32 {
        self.sentences.iter().map(|sentence| sentence.kept_back).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn pauses_grow_to_a_limit_and_are_not_all_the_same() {
        let (mut joining, now) = (Joining::default(), Instant::now());
        assert_eq!(joining.pause(3, PATIENCE), Duration::ZERO);
        let mut longest = PAUSE;
        for _ in 0..40 {
            joining.leave(now);
            let pauses: Vec<Duration> = (0..50).map(|_| joining.pause(3, PATIENCE)).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
            longest = PAUSE_MAX.min(longest * 2);
        }
        assert_eq!(longest, PAUSE_MAX);
        assert!(joining.pause(3, Duration::from_secs(1)) <= Duration::from_millis(500));
    }

    #[test]
    fn another_leader_is_tried_at_once() {
        let (mut joining, now) = (Joining::default(), Instant::now());
        for _ in 0..3 {
            joining.pause(3, PATIENCE);
            joining.leave(now);
        }
        assert_eq!(joining.pause(2, PATIENCE), Duration::ZERO);
        joining.leave(now);
        assert!(joining.pause(2, PATIENCE) <= PAUSE);
    }

    #[test]
    fn who_has_served_for_a_while_begins_anew_and_who_has_not_does_not() {
        let (mut joining, now) = (Joining::default(), Instant::now());
        for _ in 0..7 {
            joining.pause(3, PATIENCE);
            joining.serve(now);
            assert_eq!(joining.settle(now), None);
            joining.leave(now + STAY / 2);
        }
        assert!(joining.pause(3, PATIENCE) > PAUSE * 10);
        joining.serve(now);
        joining.leave(now + STAY);
        assert!(joining.pause(3, PATIENCE) <= PAUSE);
    }

    #[test]
    fn a_sentence_is_said_once_until_much_later() {
        let (mut said, now) = (Said::default(), Instant::now());
        let text = |text: &str| text.to_owned();
        assert_eq!(said.say(text("a"), now), Some(text("a")));
        for _ in 0..5 {
            assert_eq!(said.say(text("a"), now), None);
        }
        assert_eq!(said.say(text("b"), now), Some(text("b")));
        let again = said.say(text("a"), now + AGAIN);
        assert_eq!(again, Some(text("a (5 times more since this was said)")));
        // New sentences do not use up memory: the oldest are forgotten.
        for number in 0..100 {
            assert!(said.say(number.to_string(), now).is_some());
        }
        assert_eq!(said.sentences.len(), SENTENCES_MAX);
    }

    #[test]
    fn what_was_kept_back_is_told_when_it_is_over() {
        let (mut joining, now) = (Joining::default(), Instant::now());
        for _ in 0..4 {
            joining.said.say("closed".to_owned(), now);
        }
        joining.serve(now);
        assert_eq!(joining.settle(now + STAY), Some(3));
        assert_eq!(joining.settle(now + STAY), None);
        assert!(joining.said.say("closed".to_owned(), now).is_some());
    }
}
