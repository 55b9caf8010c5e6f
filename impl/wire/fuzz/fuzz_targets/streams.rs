//! Bytes from strangers on the three ports: decoders end, and never panic.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zab_wire::client::{ConnectRequest, CreateRequest, SetDataRequest};
use zab_wire::election::{InitialMessage, Notification};
use zab_wire::quorum::{ForwardedRequest, session_pings};
use zab_wire::snapshot::Decoder;
use zab_wire::{PacketType, QuorumPacket, Reader, Record, Txn};

fuzz_target!(|bytes: &[u8]| {
    let mut election = BytesMut::from(bytes);
    let _ = InitialMessage::take(&mut election);
    while let Ok(Some(_)) = Notification::take(&mut election) {}

    let mut quorum = BytesMut::from(bytes);
    while let Ok(Some(packet)) = QuorumPacket::take(&mut quorum) {
        let data = packet.data.as_deref().unwrap_or_default();
        let _ = (Txn::from_bytes(data), ForwardedRequest::from_bytes(data), session_pings(data));
        if packet.kind == PacketType::Snap {
            let mut decoder = Decoder::default();
            while let Ok(Some(_)) = decoder.take(&mut quorum) {}
            let _ = decoder.take_signature(&mut quorum);
        }
    }

    let _ = Reader::new(bytes).read::<ConnectRequest>();
    let _ = (CreateRequest::from_bytes(bytes), SetDataRequest::from_bytes(bytes));
});
