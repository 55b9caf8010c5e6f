//! The alternating-bit protocol over channels that lose messages.

use zab_explorer::StoredState;

use crate::spec::{Of, Spec, assert_counts};

/// Two values; at most two messages and two acknowledgements on their way.
struct AlternatingBit;

#[derive(Clone, Debug, PartialEq)]
struct Ends {
    /// Bit and value of each.
    messages: Vec<(u8, u8)>,
    acks: Vec<u8>,
    sender_bit: u8,
    sender_ack: u8,
    receiver_bit: u8,
    sent: u8,
    received: u8,
}

impl StoredState for Ends {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let Self { sender_bit, sender_ack, receiver_bit, sent, received, .. } = self;
        bytes.extend([sender_bit, sender_ack, receiver_bit, sent, received]);
        bytes.push(u8::try_from(self.acks.len()).expect("few"));
        bytes.extend(&self.acks);
        bytes.extend(self.messages.iter().flat_map(|(bit, value)| [bit, value]));
    }

    fn decode(bytes: &[u8]) -> Self {
        let [sender_bit, sender_ack, receiver_bit, sent, received, acks, rest @ ..] = bytes else {
            unreachable!("six bytes at least")
        };
        let (acks, messages) = rest.split_at(usize::from(*acks));
        Self {
            messages: messages.chunks(2).map(|pair| (pair[0], pair[1])).collect(),
            acks: acks.to_vec(),
            sender_bit: *sender_bit,
            sender_ack: *sender_ack,
            receiver_bit: *receiver_bit,
            sent: *sent,
            received: *received,
        }
    }
}

impl Spec for AlternatingBit {
    type State = Ends;

    fn init(&self) -> Vec<Ends> {
        let of = |bits: u8| {
            let bit = bits & 1;
            let (messages, acks) = (Vec::new(), Vec::new());
            let (sent, received) = (bits >> 1 & 1, bits >> 2);
            let [sender_bit, sender_ack, receiver_bit] = [bit; 3];
            Ends { messages, acks, sender_bit, sender_ack, receiver_bit, sent, received }
        };
        (0..8).map(of).collect()
    }

    fn next(&self, ends: &Ends, steps: &mut Vec<(u16, Ends)>) {
        let mut step = |change: &dyn Fn(&mut Ends)| {
            let mut next = ends.clone();
            change(&mut next);
            steps.push((0, next));
        };
        if ends.sender_ack == ends.sender_bit {
            for value in 0..2 {
                step(&|next| {
                    (next.sent, next.sender_bit) = (value, 1 - ends.sender_bit);
                    next.messages.push((next.sender_bit, value));
                });
            }
        } else {
            step(&|next| next.messages.push((ends.sender_bit, ends.sent)));
        }
        if !ends.messages.is_empty() {
            step(&|next| (next.receiver_bit, next.received) = next.messages.remove(0));
        }
        step(&|next| next.acks.push(ends.receiver_bit));
        if !ends.acks.is_empty() {
            step(&|next| next.sender_ack = next.acks.remove(0));
        }
        for lost in 0..ends.messages.len() {
            step(&|next| {
                next.messages.remove(lost);
            });
        }
        for lost in 0..ends.acks.len() {
            step(&|next| {
                next.acks.remove(lost);
            });
        }
    }

    fn constraint(&self, ends: &Ends) -> bool {
        ends.messages.len() <= 2 && ends.acks.len() <= 2
    }

    /// A message with the sender's bit has the value that is sent.
    fn invariant(&self, ends: &Ends) -> bool {
        let new = ends.messages.iter().filter(|(bit, _)| *bit == ends.sender_bit);
        new.map(|(_, value)| *value).all(|value| value == ends.sent)
    }
}

#[test]
fn alternating_bit() {
    assert_counts(&Of(AlternatingBit), [240, 1392, 10]);
}
