#!/usr/bin/env python3
"""The same random operations on ZooKeeper and on zab-server: the same answers, stats and events.

    pip install kazoo==2.11.0
    cargo build --release -p zab-server
    python3 impl/server/tests/differential.py --apache CLASSPATH [--seed 1] [--operations 10000]
    python3 impl/server/tests/differential.py --apache CLASSPATH --servers 3 --operations 1000

CLASSPATH is that of Apache ZooKeeper 3.8.0; all servers are started and stopped here. Each
operation (create of every kind, delete, setData, getData, exists, getChildren, getACL, setACL,
sync, multi, multiRead, getEphemerals, getAllChildrenNumber, whoAmI, and adding, checking and
removing watches; with versions and lists that are good and bad, before and after an
authentication; with watches of all kinds of reads) is done by a client of each. With three
servers there is a client at each of them; another one goes on after a sync. Answers are compared
with zxids in the order in which they were first seen, and without times and sessions; and the
events of each client, as they came over the wire, in order. Prints what differs. Exits 0 if
nothing does, 1 otherwise, 3 on bad usage.
"""

import argparse
import contextlib
import logging
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time

try:
    from kazoo.client import KazooClient
    from kazoo.exceptions import KazooException
    from kazoo.protocol import serialization as wire
    from kazoo.security import ACL, Id, make_digest_acl
except ImportError:
    print("kazoo is missing: pip install kazoo==2.11.0", file=sys.stderr)
    sys.exit(3)

ROOT = "/differential/d"
HOST = "127.0.0.1"
DIFFERENCES_MAX = 20
# Below it there are persistent watches and no others: in 3.8.0 a watch that tells once takes the
# place of a persistent one of the same client and path (ZOOKEEPER-4466, mended in 3.9), here both
# are set.
PERSISTENT = ROOT + "/c"
# Which watches are checked and removed: in 3.8.0 a persistent one is found as one of data and as one
# of children too, in 3.9 and here it is of a kind of its own.
ANY = 3

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


class Raw:
    """A request that kazoo does not have: its number, its body, and what makes sense of the answer."""

    def __init__(self, number, body, read=lambda reader: None):
        self.type, self.body, self.read = number, body, read

    def serialize(self):
        return self.body

    def deserialize(self, data, offset):
        return self.read(Reader(data, offset))

    def __call__(self, client):
        answer = client.handler.async_result()
        client._call(self, answer)
        return answer.get(timeout=60)


class Reader:
    """Jute, read from its front."""

    def __init__(self, data, offset):
        self.data, self.offset = bytes(data), offset

    def take(self, form):
        (value,) = struct.unpack_from(">" + form, self.data, self.offset)
        self.offset += struct.calcsize(">" + form)
        return value

    def text(self):
        length = max(self.take("i"), 0)
        self.offset += length
        return self.data[self.offset - length : self.offset].decode()

    def texts(self):
        return sorted(self.text() for _ in range(max(self.take("i"), 0)))

    def stat(self):
        stat = wire.ZnodeStat._make(wire.stat_struct.unpack_from(self.data, self.offset))
        self.offset += wire.stat_struct.size
        return stat

    def ids(self):
        return sorted((self.text(), self.text()) for _ in range(max(self.take("i"), 0)))

    def reads(self):
        """The answers of a multiRead."""
        answers = []
        while True:
            kind, done, error = self.take("i"), self.take("?"), self.take("i")
            if done:
                return answers
            if kind == -1:
                answers.append(("error", self.take("i"), error))
            elif kind == 4:
                answers.append((self.text(), self.stat()))
            else:
                answers.append(self.texts())


def jute(*values):
    """Texts, numbers and truths as bytes."""
    out = b""
    for value in values:
        if isinstance(value, bool):
            out += struct.pack(">?", value)
        elif isinstance(value, int):
            out += struct.pack(">i", value)
        else:
            data = value if isinstance(value, bytes) else value.encode()
            out += struct.pack(">i", len(data)) + data
    return out


def raw_operation(rng, path, other, data):
    """One of the requests that kazoo does not have."""
    world = jute(1, 31, "world", "anyone")
    ttl = rng.choice([0, 100_000_000, -1])
    kind = ANY
    # One mode for each path, for the same reason; 7 is none.
    below, mode = rng.choice([("", 1), ("", 7), ("/a", 1), ("/b", 0)])
    kept = PERSISTENT + below
    two = [(4, path), (8, other), (4, other)]
    reads = b"".join(jute(op, False, -1, one, False) for op, one in two) + jute(-1, True, -1)
    created = lambda reader: (reader.text(), reader.stat())
    return rng.choice(
        [
            Raw(19, jute(path, data) + world + jute(4), created),
            Raw(21, jute(path, data) + world + jute(rng.choice([5, 6])) + struct.pack(">q", ttl), created),
            Raw(22, reads, Reader.reads),
            Raw(103, jute(rng.choice([path, ROOT, "/"])), Reader.texts),
            Raw(104, jute(path), lambda reader: reader.take("i")),
            Raw(106, jute(kept, mode), lambda reader: reader.take("i")),
            Raw(17, jute(kept, kind)),
            Raw(18, jute(kept, kind)),
            Raw(107, b"", Reader.ids),
        ]
    )


def some_path(rng, depth):
    return ROOT + "".join("/" + rng.choice("abc") for _ in range(rng.randint(0, depth)))


def operation(rng):
    """What is to be done, for a person and for a client."""
    kind, path, other = rng.randint(0, 18), some_path(rng, 3), some_path(rng, 3)
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
    if kind > 15:
        run = raw_operation(rng, path, other, data)
        return (run.type, path, other, run.body), run
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
    """A client of one of the servers, and the events that it was sent."""

    def __init__(self, port):
        self.client = KazooClient(f"{HOST}:{port}", timeout=60)
        self.events = []
        connection = self.client._connection
        read_event = connection._read_watch_event

        def noted(buffer, offset):
            event, _ = wire.Watch.deserialize(buffer, offset)
            self.events.append((event.type, event.state, event.path))
            return read_event(buffer, offset)

        connection._read_watch_event = noted
        self.client.start(timeout=60)
        self.client.ensure_path(ROOT)

    def watch(self, kind, path):
        # A node that is not there is an answer like any other; it is compared elsewhere.
        with contextlib.suppress(KazooException):
            [self.client.exists, self.client.get, self.client.get_children][kind](
                path, watch=lambda event: None
            )

    def do(self, run, zxids):
        try:
            return comparable(run(self.client), zxids)
        except KazooException as error:
            return comparable(error, zxids)

    def settle(self):
        """Is as far as the leader; every event of that has been noted, since it comes first."""
        self.client.sync("/")


def compare(ports, seed, operations):
    """`ports` are two lists: Apache's servers and ours."""
    rng = random.Random(seed)
    ensembles = [[Side(port) for port in one] for one in ports]
    zxids = [{}, {}]
    different, turn = 0, 0
    for number in range(operations):
        if number == operations // 2:
            for side in ensembles[0] + ensembles[1]:
                side.client.add_auth("digest", "u:p")
        shown, run = operation(rng)
        watched = (rng.randint(0, 2), some_path(rng, 2)) if rng.random() < 0.3 else None
        if watched and watched[1].startswith(PERSISTENT):
            watched = None
        before, turn = turn, rng.randrange(len(ports[0]))
        answers = []
        for ensemble, seen in zip(ensembles, zxids):
            side = ensemble[turn]
            if turn != before:
                side.settle()
            if watched:
                side.watch(*watched)
            answers.append(side.do(run, seen))
        if answers[0] != answers[1]:
            different += 1
            print(f"operation {number} {shown}\n  Apache     {answers[0]}\n  zab-server {answers[1]}")
            if different == DIFFERENCES_MAX:
                break
    events = [[], []]
    for place, (apache, ours) in enumerate(zip(*ensembles)):
        for side, all_events in zip((apache, ours), events):
            side.settle()
            all_events.append(list(side.events))
        for number, (one, other) in enumerate(zip(apache.events, ours.events)):
            if one != other:
                print(f"event {number} at server {place + 1}: Apache {one}, zab-server {other}")
                break
    for side in ensembles[0] + ensembles[1]:
        side.client.stop()
        side.client.close()
    counts = [sum(map(len, one)) for one in events]
    print(
        f"seed {seed}, {number_of(len(ports[0]), 'server')} each: "
        f"{number_of(operations, 'operation')}, {different} differ; "
        f"{counts[0]} and {counts[1]} events"
    )
    return different == 0 and events[0] == events[1]


def number_of(count, thing):
    return f"{count} {thing}{'' if count == 1 else 's'}"


def reserve(count):
    """Sockets that hold a free port each, and do not listen: a server that asks for the port with
    SO_REUSEADDR gets it, nobody else does."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("0.0.0.0", 0))
    return sockets


def configurations(folder, ports):
    """A zoo.cfg for each server of an ensemble, or for one that is alone. The first third of the
    ports are those for clients."""
    count = len(ports) // 3
    lines = [
        f"server.{number + 1}={HOST}:{ports[count + number]}:{ports[2 * count + number]}\n"
        for number in range(count)
    ]
    for number in range(count):
        data = folder / str(number + 1)
        data.mkdir(parents=True)
        (data / "myid").write_text(f"{number + 1}\n")
        config = data / "zoo.cfg"
        config.write_text(
            f"tickTime=2000\ninitLimit=10\nsyncLimit=5\nmaxSessionTimeout=600000\ndataDir={data}\n"
            f"clientPort={ports[number]}\nclientPortAddress={HOST}\nadmin.enableServer=false\n"
            "extendedTypesEnabled=true\n" + ("".join(lines) if count > 1 else "")
        )
        yield config


def wait_for(ports):
    """Until every server serves clients."""
    end = time.monotonic() + 120
    for port in ports:
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 5) as one:
                one.sendall(b"srvr")
                if b"Mode:" in one.recv(65536):
                    break
            if time.monotonic() > end:
                raise SystemExit(f"the server at port {port} does not serve within 120 s")
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description="random operations on Apache and on zab-server")
    parser.add_argument("--apache", required=True, metavar="CLASSPATH", help="of ZooKeeper 3.8.0")
    parser.add_argument("--server", default="target/release/zab-server", help="the binary")
    parser.add_argument("--servers", type=int, choices=[1, 3], default=1, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=10000)
    arguments = parser.parse_args()
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    server = pathlib.Path(arguments.server).resolve()
    if not server.is_file():
        print(f"{arguments.server} is no file: cargo build --release -p zab-server", file=sys.stderr)
        return 3
    main_class = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    apache = ["java", "-Xmx512m", "-Dzookeeper.extendedTypesEnabled=true", "-cp", arguments.apache]
    commands = {"apache": [*apache, main_class], "ours": [server]}
    with tempfile.TemporaryDirectory(prefix="zab-differential-") as folder, contextlib.ExitStack() as all_of:
        ports = []
        for name, command in commands.items():
            reserved = reserve(3 * arguments.servers)
            numbers = [one.getsockname()[1] for one in reserved]
            ports.append(numbers[: arguments.servers])
            for config in configurations(pathlib.Path(folder) / name, numbers):
                all_of.enter_context(started([*command, config], config.parent / "log"))
        for numbers in ports:
            wait_for(numbers)
        return 0 if compare(ports, arguments.seed, arguments.operations) else 1


@contextlib.contextmanager
def started(command, log):
    with open(log, "wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
