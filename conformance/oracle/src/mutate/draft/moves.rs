//! Messages that are added, and lines that change places: both ends of a connection keep one order.

use zab_trace::{EventKind, Message, Packet};

use super::Draft;

impl Draft {
    /// A server says this to the peer of this connection after its line at `at`, and the peer
    /// receives it where the order of the connection wants it.
    pub(in crate::mutate) fn say(
        &mut self,
        at: usize,
        as_on: usize,
        message: Message,
    ) -> Option<()> {
        let server = self.server(at);
        let model = self.packet(as_on)?.clone();
        let peer = if self.server(as_on) == server { model.peer } else { self.server(as_on) };
        let kind = EventKind::Sent(Packet { peer, message, ..model });
        self.insert(at + 1, server, kind)?;
        let id = self.new_message();
        self.lines[at + 1].message = Some(id);
        self.lines[at + 1].link = self.lines[as_on + usize::from(as_on > at)].link.clone();
        self.deliver(at + 1)
    }

    /// Adds the receipt of what the line at `sent` sends, behind what was sent before it on the
    /// same connection.
    pub(in crate::mutate) fn deliver(&mut self, sent: usize) -> Option<()> {
        let from = self.server(sent);
        let packet = self.packet(sent)?.clone();
        let same = |draft: &Self, at: usize| {
            draft.sends(at) && draft.server(at) == from && draft.link(at) == draft.link(sent)
        };
        let sends = self.all(same);
        let index = sends.iter().position(|at| *at == sent)?;
        let next = sends[index + 1..].iter().find_map(|at| self.other_end(*at));
        let earliest = match index.checked_sub(1) {
            // What was sent before it never arrived.
            Some(before) if self.other_end(sends[before]).is_none() => return Some(()),
            Some(before) => self.other_end(sends[before])?.max(sent) + 1,
            None => sent + 1,
        };
        let at = next.unwrap_or(earliest);
        let received = Packet { peer: from, ..packet.clone() };
        // A process that has ended receives nothing.
        if self.insert(at, packet.peer, EventKind::Received(received)).is_some() {
            let sent = sent + usize::from(at <= sent);
            self.lines[at].message = self.lines[sent].message;
            self.lines[at].link = self.lines[sent].link.clone();
        }
        Some(())
    }

    /// Exchanges two lines of one life; on connections, both ends keep the same order.
    pub(in crate::mutate) fn swap(&mut self, one: usize, other: usize) {
        self.lines.swap(one, other);
        self.align(one);
        self.align(other);
    }

    /// Moves a line to another place; on connections, both ends keep the same order.
    pub(in crate::mutate) fn shift(&mut self, from: usize, to: usize) {
        let line = self.lines.remove(from);
        self.lines.insert(to, line);
        self.align(to);
    }

    /// The other end of this line's connection gets the messages in the order of this end.
    fn align(&mut self, at: usize) {
        let Some(link) = self.lines[at].link.clone() else { return };
        let (sent, server) = (self.sends(at), self.server(at));
        let ends = |draft: &Self, own: bool| {
            draft.all(|draft, line| {
                draft.link(line) == Some(&link)
                    && draft.packet(line).is_some()
                    && draft.sends(line) == (sent == own)
                    && (draft.server(line) == server) == own
            })
        };
        let (own, theirs) = (ends(self, true), ends(self, false));
        let id = |draft: &Self, line: usize| draft.lines[line].message;
        let in_both: Vec<usize> = theirs
            .into_iter()
            .filter(|line| own.iter().any(|own| id(self, *own) == id(self, *line)))
            .collect();
        let known: Vec<_> = in_both.iter().map(|line| id(self, *line)).collect();
        // What was sent and not received was lost at the end: the first messages arrived.
        let (arrived, is_known) = (in_both.len(), |line: usize| known.contains(&id(self, line)));
        let order = own.iter().enumerate();
        let order = order.filter(|(n, line)| if sent { *n < arrived } else { is_known(**line) });
        let order: Vec<(Option<usize>, Message)> = order
            .filter_map(|(_, line)| Some((id(self, *line), self.packet(*line)?.message)))
            .collect();
        for (line, (id, message)) in in_both.into_iter().zip(order) {
            self.lines[line].message = id;
            self.set_message(line, message);
        }
    }
}
