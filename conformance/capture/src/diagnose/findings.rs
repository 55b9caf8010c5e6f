//! What violated properties say of releases.

use super::{Answers, CUT_ACKS, LOGGED, Releases};
use crate::properties::{Report, W_ACKNOWLEDGED, W_QUORUM};

pub(super) fn look(report: &Report, answers: &mut Answers) {
    for ((rule, server), number) in &report.occasions {
        let question = if *rule == W_ACKNOWLEDGED { LOGGED } else { CUT_ACKS };
        for _ in 0..*number {
            answers.saw(*server, question, Releases::ALL, Vec::new);
        }
    }
    for finding in &report.findings {
        let Some(server) = finding.server else { continue };
        let (question, releases) = match finding.rule {
            W_ACKNOWLEDGED => (LOGGED, Releases::NOT_SYNCED),
            // Acknowledgements that were withdrawn are told with the packets that withdrew them.
            W_QUORUM if finding.packets.len() > 1 => (CUT_ACKS, Releases::ALL_BUT_FIXED),
            _ => continue,
        };
        answers.saw(server, question, releases, || finding.packets.clone());
    }
}
