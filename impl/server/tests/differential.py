#!/usr/bin/env python3
"""The same random operations on two servers that are alone: the same answers, stats and events.

    pip install kazoo==2.11.0
    cargo build --release -p zab-server
    python3 impl/server/tests/differential.py --apache CLASSPATH [--seed 1] [--operations 10000]

CLASSPATH is that of Apache ZooKeeper 3.8.0; both servers are started and stopped here. Each
operation (create of every kind, delete, setData, getData, exists, getChildren, getACL, setACL,
sync, multi; with versions and lists that are good and bad, before and after an authentication;
with watches of all kinds of reads) is done by a client of each. Answers are compared with zxids
in the order in which they were first seen, and without times and sessions; and the events that
the watches brought, in order. Prints what differs. Exits 0 if nothing does, 1 otherwise, 3 on
bad usage.
"""

import argparse
import contextlib
import logging
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading

try:
    from kazoo.client import KazooClient
    from kazoo.exceptions import KazooException
    from kazoo.protocol.states import Callback
    from kazoo.security import ACL, Id, make_digest_acl
except ImportError:
    print("kazoo is missing: pip install kazoo==2.11.0", file=sys.stderr)
    sys.exit(3)

ROOT = "/differential/d"
HOST = "127.0.0.1"
DIFFERENCES_MAX = 20

WORLD = Id("world", "anyone")
LISTS = [
    None,
    None,
    None,
    [ACL(31, WORLD)],
    [ACL(1, WORLD)],
    [ACL(31, Id("ip", HOST))],
    [ACL(31, Id("ip", "10.0.0.0/8"))],
    [ACL(31, Id("auth", ""))],
    [make_digest_acl("u", "p", all=True)],
    [ACL(31, Id("digest", "bad"))],
    [ACL(31, Id("nope", "x"))],
    [],
]


def some_path(rng, depth):
    return ROOT + "".join("/" + rng.choice("abc") for _ in range(rng.randint(0, depth)))


def operation(rng):
    """What is to be done, for a person and for a client."""
    kind, path, other = rng.randint(0, 15), some_path(rng, 3), some_path(rng, 3)
    version = rng.choice([-1, -1, 0, 1, 2])
    ephemeral, sequence = rng.random() < 0.2, rng.random() < 0.3
    acl = rng.choice(LISTS)
    data = bytes(rng.choice(b"xyz") for _ in range(rng.randint(0, 5)))
    parts = [(rng.randint(0, 3), rng.choice([path, other])) for _ in range(rng.randint(1, 4))]

    def several(client):
        transaction = client.transaction()
        for part, target in parts:
            if part == 0:
                transaction.create(target, data, ephemeral=ephemeral, sequence=sequence)
            elif part == 1:
                transaction.delete(target, version=version)
            elif part == 2:
                transaction.set_data(target, data, version=version)
            else:
                transaction.check(target, version=max(version, 0))
        return transaction.commit()

    def children(client):
        names, stat = client.get_children(path, include_data=True)
        return sorted(names), stat

    def create(client):
        named = {"ephemeral": ephemeral, "sequence": sequence, "include_data": kind == 4}
        return client.create(path, data, acl=acl, **named)

    others = {
        5: lambda client: client.delete(path, version=version),
        6: lambda client: client.set(path, data, version=version),
        7: lambda client: client.get(path),
        8: lambda client: client.exists(path),
        9: children,
        10: lambda client: client.get_acls(path),
        11: lambda client: client.set_acls(path, acl or [ACL(31, WORLD)], version=version),
        12: lambda client: client.sync(path),
    }
    run = create if kind < 5 else others.get(kind, several)
    return (kind, path, other, version, ephemeral, sequence, acl, parts), run


def comparable(value, zxids):
    if isinstance(value, Exception):
        return type(value).__name__
    if hasattr(value, "czxid"):
        order = [zxids.setdefault(z, len(zxids)) for z in (value.czxid, value.mzxid, value.pzxid)]
        counts = (value.version, value.cversion, value.aversion)
        sizes = (bool(value.ephemeralOwner), value.dataLength, value.numChildren)
        return ("stat", *order, *counts, *sizes)
    if isinstance(value, (list, tuple)):
        return [comparable(part, zxids) for part in value]
    return value


class Side:
    """A client of one of the servers, and what it has seen."""

    def __init__(self, port):
        self.client = KazooClient(f"{HOST}:{port}", timeout=60)
        self.client.start(timeout=60)
        self.client.ensure_path(ROOT)
        self.zxids = {}
        self.events = []

    def watch(self, kind, path):
        # A node that is not there is an answer like any other; it is compared elsewhere.
        with contextlib.suppress(KazooException):
            [self.client.exists, self.client.get, self.client.get_children][kind](
                path, watch=lambda event: self.events.append((event.type, event.path))
            )

    def do(self, run):
        try:
            return comparable(run(self.client), self.zxids)
        except KazooException as error:
            return comparable(error, self.zxids)

    def settle(self):
        """Every event that was sent has been noted: kazoo calls back in order."""
        self.client.get_children("/")
        seen = threading.Event()
        self.client.handler.dispatch_callback(Callback("watch", seen.set, ()))
        seen.wait(60)


def compare(ports, seed, operations):
    rng = random.Random(seed)
    sides = [Side(port) for port in ports]
    different = 0
    for number in range(operations):
        if number == operations // 2:
            for side in sides:
                side.client.add_auth("digest", "u:p")
        shown, run = operation(rng)
        watched = (rng.randint(0, 2), some_path(rng, 2)) if rng.random() < 0.3 else None
        answers = []
        for side in sides:
            if watched:
                side.watch(*watched)
            answers.append(side.do(run))
        if answers[0] != answers[1]:
            different += 1
            print(f"operation {number} {shown}\n  Apache     {answers[0]}\n  zab-server {answers[1]}")
            if different == DIFFERENCES_MAX:
                break
    for side in sides:
        side.settle()
    events = [side.events for side in sides]
    for number, (one, other) in enumerate(zip(*events)):
        if one != other:
            print(f"event {number}: Apache {one}, zab-server {other}")
            break
    for side in sides:
        side.client.stop()
        side.client.close()
    print(
        f"seed {seed}: {number_of(operations, 'operation')}, {different} differ; "
        f"{len(events[0])} and {len(events[1])} events"
    )
    return different == 0 and events[0] == events[1]


def number_of(count, thing):
    return f"{count} {thing}{'' if count == 1 else 's'}"


def free_port():
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def started(command, log):
    with open(log, "wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description="random operations on Apache and on zab-server")
    parser.add_argument("--apache", required=True, metavar="CLASSPATH", help="of ZooKeeper 3.8.0")
    parser.add_argument("--server", default="target/release/zab-server", help="the binary")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=10000)
    arguments = parser.parse_args()
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    server = pathlib.Path(arguments.server).resolve()
    if not server.is_file():
        print(f"{arguments.server} is no file: cargo build --release -p zab-server", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="zab-differential-") as folder:
        folder = pathlib.Path(folder)
        ports = [free_port(), free_port()]
        (folder / "zoo.cfg").write_text(
            f"tickTime=2000\nmaxSessionTimeout=600000\ndataDir={folder / 'apache'}\n"
            f"clientPort={ports[0]}\nclientPortAddress={HOST}\nadmin.enableServer=false\n"
        )
        main_class = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        apache = ["java", "-Xmx512m", "-cp", arguments.apache, main_class, folder / "zoo.cfg"]
        ours = [server, "--standalone", folder / "ours", "-D", f"clientPort={ports[1]}"]
        ours += ["-D", "maxSessionTimeout=600000"]
        with started(apache, folder / "apache.log"), started(ours, folder / "ours.log"):
            return 0 if compare(ports, arguments.seed, arguments.operations) else 1


if __name__ == "__main__":
    sys.exit(main())
