//! An explored state is bytes: nothing on the heap, no padding, equal exactly if its bytes are.

use zab_model::{Disk, Server, ServerId, Small, Wide};
use zerocopy::{Immutable, IntoBytes, Unaligned};

fn is_bytes<T: Copy + IntoBytes + Immutable + Unaligned>() {}

#[test]
fn a_small_server_is_plain_bytes() {
    is_bytes::<Server<Small<3, 4>>>();
    is_bytes::<Server<Small<5, 6>>>();
    let server = Server::<Small<3, 4>>::new(ServerId(2));
    assert_eq!(server.as_bytes()[0], 2);
    assert!(server.as_bytes()[1..].iter().all(|byte| *byte == 0), "the default is zero");
}

#[test]
fn sizes_are_known() {
    assert_eq!(size_of::<Server<Small<3, 2>>>(), 102);
    assert_eq!(size_of::<Server<Small<3, 4>>>(), 122);
    assert_eq!(size_of::<Disk<Wide>>(), 40);
}
