//! Records as text: `3>2 SNAP 1.0 -`, `end 2>3` (the connection of the learner 2 to the leader 3
//! ends), `late 2>3 ACK 1.1` (that passes the recorder now, on the connection before the last one),
//! and before them `disk 3 accepted=1 current=1 log=1.1`.

use zab_model::{Config, Disk, Grain, Message as Any, Profile, ServerId, Wide};

use super::Message;
use crate::story::parse;

/// A link of one direction: its sender, its receiver, and what it carries.
pub(super) type Link = (ServerId, ServerId, Kind);

/// What a link carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Notifications.
    Election,
    /// Packets between a learner and its leader.
    Quorum,
    /// Packets to a leader on the connection before the last one.
    Older,
}

/// One thing in a record.
pub(super) struct Item {
    pub(super) from: ServerId,
    pub(super) to: ServerId,
    pub(super) what: What,
    /// As it stands in the record.
    pub(super) text: String,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum What {
    Sent(Message),
    /// It passes now, and was sent on the connection before the last one.
    Late(Message),
    /// The connection between a learner and a leader ends, for this direction.
    End,
}

/// A record, and the servers that it is about.
pub(super) struct Packets {
    pub(super) cfg: Config<Wide>,
    pub(super) disks: Vec<Disk<Wide>>,
    pub(super) items: Vec<Item>,
}

impl Item {
    pub(super) fn link(&self) -> Link {
        let kind = match self.what {
            What::Sent(Any::Notification(_)) => Kind::Election,
            What::Sent(_) | What::End => Kind::Quorum,
            What::Late(_) => Kind::Older,
        };
        (self.from, self.to, kind)
    }
}

impl Packets {
    /// Three servers with empty disks, unless the text says otherwise.
    pub(super) fn parse(text: &str, profile: Profile) -> Self {
        let mut cfg = Config::<Wide>::new(3).expect("three servers");
        (cfg.ensemble.profile, cfg.ensemble.grain) = (profile, Grain::Threads);
        let mut packets = Self { cfg, disks: vec![Disk::default(); 3], items: Vec::new() };
        for line in text.lines() {
            packets.line(line);
        }
        packets
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["disk", id, ..] => {
                let words = format!("{id} of 3 {}", words[2..].join(" "));
                let row = parse::id(id).row().expect("a server");
                self.disks[row] = parse::disk(&mut self.cfg, &words);
            }
            ["end", link] => {
                let (from, to) = ends(link);
                for (from, to) in [(from, to), (to, from)] {
                    self.items.push(Item { from, to, what: What::End, text: line.to_owned() });
                }
            }
            ["late", link, ..] => {
                let (from, to) = ends(link);
                let what = What::Late(parse::message(&self.cfg, &words[2..]));
                self.items.push(Item { from, to, what, text: line.to_owned() });
            }
            [link, ..] => {
                let (from, to) = ends(link);
                let what = What::Sent(parse::message(&self.cfg, &words[1..]));
                self.items.push(Item { from, to, what, text: line.to_owned() });
            }
            [] => {}
        }
    }

    /// The places of a link's items, in order.
    pub(super) fn places(&self, link: Link) -> impl Iterator<Item = usize> + '_ {
        (0..self.items.len()).filter(move |place| self.items[*place].link() == link)
    }

    /// The place of a link's item with this number.
    pub(super) fn place(&self, link: Link, number: usize) -> Option<usize> {
        self.places(link).nth(number)
    }
}

fn ends(link: &str) -> (ServerId, ServerId) {
    let (from, to) = link.split_once('>').unwrap_or_else(|| panic!("{link} is no link"));
    (parse::id(from), parse::id(to))
}
