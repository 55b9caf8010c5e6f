//! For the fuzz targets: what this crate makes of bytes from outside, where it is not public.

use zab_wire::QuorumPacket;
use zab_wire::election::Notification;

use crate::convert;

/// Finds out what a packet means.
pub fn packet(packet: &QuorumPacket) {
    // An error is fine, a panic is not.
    let _ = convert::from_packet(packet);
}

/// Finds out what a notification means.
pub fn notification(wire: &Notification) {
    let _ = convert::notification(wire, &[1, 2, 3]);
}
