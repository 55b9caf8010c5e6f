use zab_wire::Acl;

use super::*;

fn event(kind: EventKind, path: &str) -> NodeEvent {
    NodeEvent { kind, path: path.into(), acl: Acl::open().into() }
}

fn nobody() -> Arc<[Id]> {
    Arc::from([])
}

/// What is queued, and one letter for each kind.
fn told(watching: &mut Watching) -> Vec<String> {
    std::iter::from_fn(|| watching.try_next())
        .map(|event| format!("{:?} {}", event.kind, event.path))
        .collect()
}

#[test]
fn a_watch_fires_once_and_for_what_it_is_set() {
    let watches = Watches::default();
    let mut one = watches.join(7, nobody());
    one.add("/a", Modes::DATA).unwrap();
    watches.trigger(&[event(EventKind::ChildrenChanged, "/a")], 1);
    assert!(told(&mut one).is_empty());
    let changed = [event(EventKind::DataChanged, "/a")];
    watches.trigger(&changed, 2);
    watches.trigger(&changed, 3);
    assert_eq!(told(&mut one), ["DataChanged /a"]);

    one.add("/a", Modes::CHILD).unwrap();
    watches.trigger(&changed, 4);
    watches.trigger(&[event(EventKind::ChildrenChanged, "/a")], 5);
    assert_eq!(told(&mut one), ["ChildrenChanged /a"]);

    // A deletion fires both kinds, and is told once.
    one.add("/a", Modes::CHILD).unwrap();
    one.add("/a", Modes::DATA).unwrap();
    watches.trigger(&[event(EventKind::Deleted, "/a")], 6);
    assert_eq!(told(&mut one), ["Deleted /a"]);
    assert_eq!(watches.count(), Count::default());
    assert_eq!(watches.table().bytes, 0);
}

#[test]
fn persistent_watches_stay_and_recursive_ones_see_what_is_below() {
    let watches = Watches::default();
    let mut one = watches.join(7, nobody());
    let mut other = watches.join(8, nobody());
    one.add("/a", Modes::PERSISTENT).unwrap();
    other.add("/a", Modes::RECURSIVE).unwrap();
    other.add("/", Modes::RECURSIVE).unwrap();
    for _ in 0..2 {
        let created = [event(EventKind::Created, "/a/b"), event(EventKind::ChildrenChanged, "/a")];
        watches.trigger(&created, 1);
        assert_eq!(told(&mut one), ["ChildrenChanged /a"]);
        assert_eq!(told(&mut other), ["Created /a/b"], "once, though it watches at two places");
    }
    assert!(other.remove("/a", Modes::ANY));
    assert!(!other.remove("/a", Modes::ANY));
    assert!(other.has("/", Modes::RECURSIVE) && !other.has("/", Modes::DATA));
    assert_eq!(watches.table().recursive, 1);
    drop(other);
    assert_eq!(watches.table().recursive, 0);
    assert_eq!(watches.count(), Count { connections: 1, paths: 1, watches: 1 });
}

#[test]
fn a_watch_of_one_kind_does_not_end_one_of_another() {
    let watches = Watches::default();
    let mut one = watches.join(7, nobody());
    one.add("/a", Modes::PERSISTENT).unwrap();
    one.add("/a", Modes::DATA).unwrap();
    for _ in 0..2 {
        watches.trigger(&[event(EventKind::DataChanged, "/a")], 1);
        assert_eq!(told(&mut one), ["DataChanged /a"]);
    }
}

#[test]
fn nobody_hears_of_nodes_that_they_may_not_read() {
    let watches = Watches::default();
    let mut one = watches.join(7, nobody());
    one.add("/", Modes::RECURSIVE).unwrap();
    let owner = Id { scheme: "digest".to_owned(), id: "u:x".to_owned() };
    let acl = Arc::from([Acl { perms: Acl::ALL, id: owner.clone() }]);
    let secret = [NodeEvent { acl, ..event(EventKind::DataChanged, "/secret") }];
    watches.trigger(&secret, 1);
    assert!(told(&mut one).is_empty());
    one.identify(Arc::from([owner]));
    watches.trigger(&secret, 2);
    assert_eq!(told(&mut one), ["DataChanged /secret"]);
}

#[test]
fn memory_has_its_limits() {
    let sizes = Sizes { watches: 400, all_watches: 700, events: 200 };
    let watches = Watches::with_sizes(sizes);
    let mut one = watches.join(7, nobody());
    for (path, set) in [("/a", true), ("/b", true), ("/a", true), ("/c", true), ("/d", false)] {
        assert_eq!(one.add(path, Modes::DATA).is_ok(), set, "{path}");
    }
    let other = watches.join(8, nobody());
    other.add("/a", Modes::DATA).unwrap();
    other.add("/b", Modes::DATA).unwrap();
    assert_eq!(other.add("/c", Modes::DATA), Err(ErrorCode::ThrottledOp), "all have too many");
    drop(other);

    one.remove("/a", Modes::ANY);
    one.add("/e", Modes::PERSISTENT).unwrap();
    for _ in 0..5 {
        watches.trigger(&[event(EventKind::DataChanged, "/e")], 1);
    }
    assert_eq!(told(&mut one).len(), 3, "more were not kept");
    assert_eq!(one.events.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    assert_eq!(watches.count(), Count::default());
}

#[test]
fn all_nodes_above_are_found() {
    let above: Vec<&str> = ancestors("/a/b/c").collect();
    assert_eq!(above, ["/a/b", "/a", "/"]);
    assert_eq!(ancestors("/").count(), 0);
}
