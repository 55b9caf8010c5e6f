#!/usr/bin/env python3
"""kazoo, an unmodified ZooKeeper client, against three zab-server processes.

    pip install kazoo==2.11.0
    cargo build -p zab-server
    python3 impl/server/tests/kazoo_ops.py [--server target/debug/zab-server] [--rounds 1]

Two parts: every operation that the server has, on every server; and the leader killed while
clients write, after which each call must have ended within its timeout and every acknowledged
write must be read back from every server. Prints one line for each check. Exits 0 if all hold,
1 if one does not, 3 on bad usage.

Nothing here sleeps to let something happen: conditions are polled until a deadline.
"""

import collections
import logging
import pathlib
import struct
import sys
import tempfile
import threading
import time

from kazoo import exceptions as errors
from kazoo.client import KazooClient, KazooState
from kazoo.security import ACL, Id, make_digest_acl

from ensemble import CALL_TIMEOUT_S, SESSION_S, Connection, Ensemble, Failed, Parser, connect
from ensemble import eventually, refused, require, stop


def check_words(ensemble, _clients):
    for server in ensemble.IDS:
        require(ensemble.word(server, "ruok") == "imok", f"ruok of server {server}")
        text = ensemble.word(server, "srvr")
        for part in ["Zookeeper version: ", "Latency min/avg/max: ", "Zxid: 0x", "Node count: "]:
            require(part in text, f"{part!r} is missing in srvr of server {server}: {text!r}")
        text = ensemble.word(server, "mntr")
        expected = "mntr is not executed because it is not in the whitelist.\n"
        require(text == expected, f"mntr of server {server}: {text!r}")


def check_nodes(_ensemble, clients):
    for server, client in clients.items():
        top = f"/nodes-{server}"
        require(client.create(top, b"first") == top, "create gives the path")
        path, stat = client.create(f"{top}/a", b"", include_data=True)
        require((path, stat.dataLength) == (f"{top}/a", 0), "create2 gives path and stat")
        client.create(f"{top}/b", b"x" * 100_000)
        require(sorted(client.get_children(top)) == ["a", "b"], "getChildren")
        names, stat = client.get_children(top, include_data=True)
        require((len(names), stat.numChildren, stat.cversion) == (2, 2, 2), "getChildren2")
        require(len(client.get(f"{top}/b")[0]) == 100_000, "a big node comes back whole")
        require(client.set(top, b"second", version=0).version == 1, "setData gives the version")
        require(client.set(top, b"third").version == 2, "setData of any version")
        value, stat = client.get(top)
        require((value, stat.version, stat.dataLength) == (b"third", 2, 5), "getData")
        require(stat.czxid < stat.mzxid and stat.ctime <= stat.mtime, "zxids and times")
        require(client.exists(f"{top}/none") is None, "exists of nothing")
        client.delete(f"{top}/a", version=0)
        client.delete(f"{top}/b")
        client.delete(top)
        require(client.exists(top) is None, "a deleted node is gone")


def check_failures(_ensemble, clients):
    for server, client in clients.items():
        top = f"/failures-{server}"
        client.create(f"{top}/a", makepath=True)
        refused(errors.NodeExistsError, client.create, top)
        refused(errors.NoNodeError, client.create, f"{top}/x/y")
        refused(errors.NoNodeError, client.get, f"{top}/x")
        refused(errors.NoNodeError, client.get_children, f"{top}/x")
        refused(errors.NoNodeError, client.set, f"{top}/x", b"")
        refused(errors.NoNodeError, client.delete, f"{top}/x")
        refused(errors.BadVersionError, client.set, top, b"", version=5)
        refused(errors.BadVersionError, client.delete, f"{top}/a", version=5)
        refused(errors.NotEmptyError, client.delete, top)
        refused(errors.BadArgumentsError, client.delete, "/zookeeper")
        sasl = ACL(31, Id("sasl", "somebody"))
        refused(errors.InvalidACLError, client.create, f"{top}/acl", acl=[sasl])


def check_coordination(ensemble, clients):
    """Ephemeral and sequential nodes, transactions, lists; and watches between two servers."""
    for server, client in clients.items():
        top = f"/coordination-{server}"
        client.create(top)
        path = client.create(f"{top}/n-", ephemeral=True, sequence=True)
        require(path == f"{top}/n-0000000000", f"the first sequence number: {path}")
        path = client.create(f"{top}/n-", sequence=True)
        require(path == f"{top}/n-0000000001", f"the second sequence number: {path}")
        owner = client.exists(f"{top}/n-0000000000").ephemeralOwner
        require(owner == client.client_id[0], f"the owner is {owner:#x}")

        transaction = client.transaction()
        transaction.check(top, version=0)
        transaction.create(f"{top}/t")
        transaction.set_data(top, b"in a transaction")
        results = transaction.commit()
        require(results[:2] == [True, f"{top}/t"], f"results: {results}")
        transaction = client.transaction()
        transaction.delete(f"{top}/t")
        transaction.check(top, version=0)
        transaction.create(f"{top}/u")
        kinds = [type(result).__name__ for result in transaction.commit()]
        expected = ["RolledBackError", "BadVersionError", "RuntimeInconsistency"]
        require(kinds == expected, f"errors: {kinds}")
        require(sorted(client.get_children(top))[-1] == "t", "nothing happened")

        digest = make_digest_acl("user", "secret", all=True)
        client.create(f"{top}/acl", acl=[digest])
        refused(errors.NoAuthError, client.get, f"{top}/acl")
        client.add_auth("digest", "user:secret")
        require(client.get_acls(f"{top}/acl")[0] == [digest], "the list")
        require(client.get(f"{top}/acl")[0] == b"", "whoever knows the secret may read")

        for other in clients.values():
            seen = threading.Event()
            other.sync(top)
            other.get(top, watch=lambda event, seen=seen: seen.set())
            client.set(top, b"again")
            eventually(seen.is_set, "the event of a watch")

    # A session that nobody closes expires, wherever its client was.
    for server, client in clients.items():
        gone = Connection(ensemble.client_ports[server])
        path = f"/expiring-{server}".encode()
        data = struct.pack(">i", len(path)) + path + struct.pack(">i", -1)
        acl = struct.pack(">iii", 1, 31, 5) + b"world" + struct.pack(">i", 6) + b"anyone"
        error, _ = gone.ask(1, data + acl + struct.pack(">i", 1))
        require(error == 0, f"an ephemeral node: {error}")
        gone.close()
    for server, client in clients.items():
        for other in clients:
            path = f"/expiring-{other}"
            eventually(lambda: client.exists(path) is None, f"{path} goes with its session")


def check_replication(_ensemble, clients):
    for writer, client in clients.items():
        path = f"/replicated-{writer}"
        client.create(path, b"by %d" % writer)
        client.set(path, b"again by %d" % writer)
        seen = set()
        for reader in clients.values():
            require(reader.sync(path) == path, "sync gives the path")
            seen.add(reader.get(path))
        require(len(seen) == 1, f"servers differ on {path}: {seen}")


def check_order(_ensemble, clients):
    """Pipelined: a read waits for its own session's writes before it, and not for those after."""
    for server, client in clients.items():
        path = f"/order-{server}"
        calls = [client.create_async(path, b"0")]
        for number in range(1, 200):
            calls.append(client.set_async(path, b"%d" % number))
            calls.append(client.get_async(path))
        results = [call.get(timeout=CALL_TIMEOUT_S) for call in calls]
        for number in range(1, 200):
            value, stat = results[2 * number]
            require(value == b"%d" % number, f"read {number} gave {value}")
            require(stat.version == number, f"version {stat.version} at read {number}")


def check_many(_ensemble, clients):
    """Thousands of calls under way at once, from all servers; none is lost or done twice."""
    client = next(iter(clients.values()))
    client.create("/many")
    calls = [
        one.create_async(f"/many/{server}-{number:05}")
        for number in range(1500)
        for server, one in clients.items()
    ]
    for call in calls:
        call.get(timeout=CALL_TIMEOUT_S)
    for one in clients.values():
        one.sync("/many")
        names, stat = one.get_children("/many", include_data=True)
        require((len(names), stat.cversion) == (len(calls), len(calls)), f"{len(names)} nodes")


def check_keepalive(ensemble, _clients):
    """An idle client pings, and keeps connection and session."""
    # Long enough for a client that the machine holds up.
    session_s = 5 * SESSION_S
    client = KazooClient(hosts=ensemble.hosts(1), timeout=session_s)
    left = threading.Event()
    client.start(timeout=CALL_TIMEOUT_S)
    client.add_listener(lambda state: state != KazooState.CONNECTED and left.set())
    session = client.client_id
    # Not for something to happen, but to see that it does not.
    require(not left.wait(3 * session_s), "an idle client lost its connection")
    require(client.client_id == session and client.exists("/") is not None, "another session")
    stop(client)


def check_silence(ensemble, _clients):
    """A client that says nothing is dropped. Its session goes on, or has expired by then."""
    silent = Connection(ensemble.client_ports[2])
    # Whoever is kept is not told anything either: then this fails after CALL_TIMEOUT_S.
    require(silent.receive() is None, "a silent client was told something")
    back = Connection(ensemble.client_ports[2], 0, silent.session, silent.password)
    require(back.session in (silent.session, 0), f"another session: {back.session}")
    back.close()


def check_sessions(ensemble, clients):
    """A session moves between servers by its password, and ends when it is closed."""
    first = Connection(ensemble.client_ports[1])
    require(first.session >> 56 == 1 and len(first.password) == 16, "id and password")
    create = struct.pack(">i", 6) + b"/moved" + struct.pack(">i", -1)
    create += struct.pack(">iii", 1, 31, 5) + b"world" + struct.pack(">i", 6) + b"anyone"
    create += struct.pack(">i", 0)

    wrong = Connection(ensemble.client_ports[2], 0, first.session, b"x" * 16)
    require((wrong.session, wrong.timeout) == (0, 0), "a wrong password was taken")
    second = Connection(ensemble.client_ports[2], 0, first.session, first.password)
    require(second.session == first.session, "the session did not move")
    # Both under one number: the servers must tell their answers apart. Where the session was
    # before, the connection ends.
    first.send(struct.pack(">ii", 1, 1) + create)
    require(first.receive() is None, "a write where the session was before")
    error = second.ask(1, create)[0]
    require(error == 0, f"a write where the session is now: {error}")
    third = Connection(ensemble.client_ports[2], 0, first.session, first.password)
    require(second.receive() is None, "two connections of one session on one server")
    require(third.ask(-11, b"")[0] == 0 and third.receive() is None, "closeSession")
    for server in ensemble.IDS:
        gone = Connection(ensemble.client_ports[server], 0, first.session, first.password)
        require((gone.session, gone.timeout) == (0, 0), f"server {server} took a closed session")
    for one in (first, second, third, wrong):
        one.close()
    next(iter(clients.values())).delete("/moved")


def check_protocol(ensemble, _clients):
    """Unknown operations are answered; what breaks the protocol ends the connection."""
    for server in ensemble.IDS:
        port = ensemble.client_ports[server]
        one = Connection(port)
        require(one.ask(999, b"")[0] == -6, "an unknown operation")
        require(one.ask(4, b"\0")[0] == -5, "a request that cannot be read")
        require(one.ask(11, b"", xid=-2)[0] == 0, "ping")
        require(one.ask(100, b"", xid=-4)[0] == -115, "authentication")
        require(one.receive() is None, "authentication must end the connection")
        ahead = Connection(port, last_zxid=2**62)
        require(ahead.session is None, "a client that has seen the future was taken")
        oversized = Connection(port)
        oversized.socket.sendall(struct.pack(">i", 2**30))
        require(oversized.receive() is None, "an oversized frame")
        negative = Connection(port)
        negative.socket.sendall(struct.pack(">i", -5))
        require(negative.receive() is None, "a negative length")
        for part in (one, ahead, oversized, negative):
            part.close()


CHECKS = [
    check_words,
    check_nodes,
    check_failures,
    check_coordination,
    check_replication,
    check_order,
    check_many,
    check_keepalive,
    check_silence,
    check_sessions,
    check_protocol,
]


class Writer(threading.Thread):
    """Creates nodes and sets their data, a few calls at a time, until it is told to stop."""

    WINDOW = 8

    def __init__(self, ensemble, number):
        super().__init__(daemon=True)
        self.ensemble = ensemble
        self.number = number
        self.stopping = threading.Event()
        # Path -> value of its last acknowledged write.
        self.acknowledged = {}
        # Path -> values of writes of which nobody knows.
        self.unknown = collections.defaultdict(set)
        self.outcomes = collections.Counter()
        self.slowest = 0.0
        self.failure = None

    def run(self):
        try:
            client = connect(self.ensemble)
            turn = 0
            while not self.stopping.is_set():
                turn += 1
                self.write(client, turn)
            stop(client)
        except Exception as failure:  # whatever it is, it must be reported
            self.failure = failure

    def write(self, client, turn):
        paths = [f"/kill/{self.number}-{turn:05}-{index}" for index in range(self.WINDOW)]
        self.settle({path: (b"new", client.create_async(path, b"new")) for path in paths})
        known = [path for path in paths if path in self.acknowledged]
        self.settle({path: (b"set", client.set_async(path, b"set")) for path in known})

    def settle(self, calls):
        """A call that does not end within its timeout raises what ends the writer, and the test."""
        begun = time.monotonic()
        for path, (value, call) in calls.items():
            try:
                call.get(timeout=CALL_TIMEOUT_S)
                self.acknowledged[path] = value
                self.outcomes["acknowledged"] += 1
            except (errors.ConnectionLoss, errors.SessionExpiredError) as lost:
                self.unknown[path].add(value)
                self.outcomes[type(lost).__name__] += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)


def total(writers):
    for writer in writers:
        if writer.failure is not None:
            raise Failed(f"writer {writer.number}: {writer.failure!r}")
    return sum(writer.outcomes["acknowledged"] for writer in writers)


def kill_leader(ensemble, round_number):
    """One round: returns what to print."""
    client = connect(ensemble)
    for path in client.get_children("/kill") if client.exists("/kill") else []:
        client.delete_async(f"/kill/{path}")
    client.ensure_path("/kill")
    stop(client)
    writers = [Writer(ensemble, number) for number in range(4)]
    for writer in writers:
        writer.start()
    eventually(lambda: total(writers) >= 200, "the first 200 acknowledged writes")
    leader = eventually(ensemble.leader, "a leader to kill")
    ensemble.kill(leader)
    killed = time.monotonic()
    before = total(writers)
    eventually(lambda: total(writers) >= before + 200, "200 writes after the leader was killed")
    gap = time.monotonic() - killed
    ensemble.start(leader)
    eventually(ensemble.leader, "three servers that serve")
    for writer in writers:
        writer.stopping.set()
    for writer in writers:
        writer.join(timeout=2 * CALL_TIMEOUT_S)
        require(not writer.is_alive(), f"writer {writer.number} does not end")
    total(writers)
    read_back(ensemble, writers)
    outcomes = sum((writer.outcomes for writer in writers), collections.Counter())
    slowest = max(writer.slowest for writer in writers)
    return (
        f"round {round_number}: server {leader} killed, 200 writes later after {gap:.1f} s, "
        f"slowest calls {slowest:.1f} s, {dict(outcomes)}"
    )


def read_back(ensemble, writers):
    """Every server holds each acknowledged write, and the same of those nobody knows of."""
    contents = []
    for server in ensemble.IDS:
        client = connect(ensemble, server)
        client.sync("/kill")
        names = client.get_children("/kill")
        calls = {name: client.get_async(f"/kill/{name}") for name in names}
        values = {f"/kill/{name}": call.get(timeout=CALL_TIMEOUT_S) for name, call in calls.items()}
        stop(client)
        for writer in writers:
            for path, value in writer.acknowledged.items():
                require(path in values, f"server {server} lost {path}")
                allowed = {value} | writer.unknown[path]
                got = values[path][0]
                require(got in allowed, f"server {server} has {got} at {path}, not {allowed}")
        contents.append(values)
    require(contents[0] == contents[1] == contents[2], "servers differ")


def run(ensemble, rounds, only):
    for server in ensemble.IDS:
        ensemble.start(server)
    leader = eventually(ensemble.leader, "three servers that serve")
    print(f"ok   three servers serve, server {leader} leads")
    clients = {server: connect(ensemble, server) for server in ensemble.IDS}
    for check in CHECKS:
        name = check.__name__.removeprefix("check_")
        if not only or name in only:
            check(ensemble, clients)
            print(f"ok   {name}")
    for client in clients.values():
        stop(client)
    for number in range(1, rounds + 1):
        print(f"ok   {kill_leader(ensemble, number)}")


def main():
    # It reports every lost connection; here they are wanted.
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    parser = Parser(description="kazoo against three zab-server processes")
    parser.add_argument("--server", default="target/debug/zab-server", help="the binary")
    parser.add_argument("--rounds", type=int, default=1, help="how often the leader is killed")
    names = [check.__name__.removeprefix("check_") for check in CHECKS]
    parser.add_argument("--only", action="append", choices=names, help="this check; may be repeated")
    arguments = parser.parse_args()
    binary = pathlib.Path(arguments.server).resolve()
    if not binary.is_file():
        print(f"{arguments.server} is no file: cargo build -p zab-server", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="zab-kazoo-") as folder:
        ensemble = Ensemble(binary, folder)
        try:
            run(ensemble, arguments.rounds, arguments.only)
            return 0
        except Failed as failure:
            print(f"FAIL {failure}")
            ensemble.logs()
            return 1
        finally:
            ensemble.stop()


if __name__ == "__main__":
    sys.exit(main())
