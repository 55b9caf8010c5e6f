#!/usr/bin/env python3
"""Ensembles of zab-server and Apache ZooKeeper 3.8.0 together.

    pip install kazoo==2.11.0
    apt-get install zookeeper
    cargo build --release -p zab-server
    python3 impl/server/tests/mixed.py --server target/release/zab-server splits
    python3 impl/server/tests/mixed.py --server target/release/zab-server soak --seconds 60

splits: every split of three servers with both kinds in it ("RRA": servers 1 and 2 are zab-server,
server 3 is Apache's), with a leader of each kind. In each: every kind of transaction through every
server; sessions that stay alive at every server for ten timeouts; a session that moves between the
kinds; the leader killed until both kinds have led; servers that come back and are brought up to
date by DIFF, by the log on disk and by SNAP. Each time all servers must hold the same nodes, data,
Stats and lists, the same text of the ensemble, and the same digests. (A digest that an Apache server
does not meet while it replays its own log is not counted: the log of 3.8.0 may hold transactions
twice, which the server says with "(highestZxid) > ... (next log)". It reads its log when it starts, and
when it leaves a role.)

soak: writes at all servers while servers are killed and frozen at random, and connections between
them held up, ended, or left half open (cuts.py), in each split in turn. No acknowledged write may be
lost, and no digest may differ.

A server of Apache's that is told to cut its log to before its newest snapshot loads that snapshot
all the same (ZOOKEEPER-4837), and so keeps in its tree what the ensemble has given up; this happens
where an election is slow, as on a busy machine, and to ensembles of Apache's servers alone ("AAA") too.
Its log shows it. One that leaves a role reads its log again, and its commit thread, for which nobody waits
(`CommitProcessor.shutdown`), may then apply a transaction that is older than the tree: a node goes back to
what it was, and stays so. Its log shows a digest that this thread does not meet. Nothing can be said of
such an ensemble any more: it is told, and another one is begun, twenty times at most.

Exits 0 if all holds, 1 if not, 3 on bad usage.
"""

import collections
import logging
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

from kazoo import exceptions as errors
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

import cuts
from ensemble import CALL_TIMEOUT_S, Connection, Ensemble, Failed, Parser, connect, eventually
from ensemble import refused, require, stop
from sizes import OPEN, text
from storage import JAVA, Writer, value

SPLITS = ("AAR", "ARA", "RAA", "RRA", "RAR", "ARR")
CREATE_CONTAINER, CREATE_TTL, RECONFIG = 19, 21, 16
# The second is what its log is written by.
CLASSPATH = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar"
# What Apache writes by itself, each server on its own.
OWN = ("/zookeeper/config",)


# How many ensembles may be given up because of what is wrong in Apache's servers.
VOIDS_MAX = 20
TRUNCATED = re.compile(
    rb"Truncating log to get in sync with the leader 0x([0-9a-f]+)|"
    rb"Snapshot loaded in \d+ ms, highest zxid is 0x([0-9a-f]+)"
)
# A digest that is not met between the end of a role and that of the thread that applies.
LEAVING = re.compile(
    rb"CommitProcessor - Shutting down(?:(?!CommitProcessor exited loop).)*?"
    rb"\[CommitProcessor[^\n]*Digests are not matching",
    re.DOTALL,
)


class Void(Exception):
    """A server of Apache's holds what was truncated."""


class Mixed(Ensemble):
    """Three servers, each of its kind."""

    def __init__(self, binary, folder, split, options, lines=()):
        super().__init__(binary, folder)
        self.split, self.options = split, options
        self.round = self.emptied = 0
        # With one, each server has another text of the ensemble.
        self.network = None
        # Digests that an Apache server did not meet by the time it served.
        self.replayed = {}
        # Bytes of each server's log before its last start.
        self.said_before = {}
        for server in self.IDS:
            path = self.folder / str(server) / "zoo.cfg"
            changed = path.read_text().replace("srvr, ruok", "*")
            more = ["admin.enableServer=false", "extendedTypesEnabled=true"]
            more.append("znode.container.checkIntervalMs=1000")
            if self.kind(server) == "R":
                more += lines
            path.write_text(changed + "".join(f"{line}\n" for line in more))

    def kind(self, server):
        return self.split[server - 1]

    def start(self, server):
        self.replayed.pop(server, None)
        log = self.folder / str(server) / "log.txt"
        self.said_before[server] = log.stat().st_size if log.exists() else 0
        data = self.folder / str(server)
        if self.kind(server) == "R":
            command = [self.binary, data / "zoo.cfg"]
            if self.options.trace:
                # Each start writes another file.
                traces = self.options.trace / self.folder.name
                traces.mkdir(parents=True, exist_ok=True)
                command += ["--trace", traces]
        else:
            # Apache sets these from the file too late.
            properties = ["-Dzookeeper.extendedTypesEnabled=true", "-Xmx256m", "-XX:+UseSerialGC"]
            properties += ["-Dznode.container.checkIntervalMs=1000", "-XX:TieredStopAtLevel=1"]
            classpath = self.options.classpath
            command = ["java", *properties, "-cp", classpath, JAVA, data / "zoo.cfg"]
        with open(data / "log.txt", "ab") as log:
            self.processes[server] = subprocess.Popen(command, stdout=log, stderr=log)

    def met_again(self, server):
        """How many transactions an Apache server has met again in its log since its last start: then, and
        whenever it left a role (`fastForwardDataBase`)."""
        with open(self.folder / str(server) / "log.txt", "rb") as log:
            log.seek(self.said_before[server])
            return log.read().count(b"(highestZxid) >")

    def require_no_relics(self):
        """Raises Void if a server of Apache's was truncated to before the snapshot that it then
        loaded, or has applied a transaction while it left its role."""
        for server in self.IDS:
            log = self.folder / str(server) / "log.txt"
            if self.kind(server) != "A" or not log.exists():
                continue
            said = log.read_bytes()
            if LEAVING.search(said):
                raise Void(
                    f"server {server}, Apache's, applied a transaction while it left its role, on a "
                    "tree that was ahead of it"
                )
            end = None
            for found in TRUNCATED.finditer(said):
                cut, loaded = (digits and int(digits, 16) for digits in found.groups())
                if end is not None and loaded is not None and loaded > end:
                    raise Void(
                        f"server {server}, Apache's, was truncated to 0x{end:x} and loaded its "
                        f"snapshot with 0x{loaded:x} (ZOOKEEPER-4837)"
                    )
                end = cut

    def logs(self):
        super().logs()
        if self.options.keep:
            ignored = shutil.ignore_patterns("version-2")
            shutil.copytree(self.folder, self.options.keep / self.folder.name, ignore=ignored)

    def leader(self):
        """As for any ensemble. A server of Apache's that a kill left with an empty log file ends at
        its start with an EOFException: the file is removed, and it starts again."""
        for server, process in list(self.processes.items()):
            if self.kind(server) != "A" or process.poll() is None:
                continue
            logs = sorted((self.folder / str(server) / "version-2").glob("log.*"))
            empty = [path for path in logs if path.stat().st_size == 0]
            if not empty:
                continue
            for path in empty:
                path.unlink()
            self.emptied += 1
            self.start(server)
        return super().leader()

    def serving(self):
        """The leader, once all three serve."""
        return eventually(self.leader, "three servers that serve")

    def digests(self, server):
        """Of the past, by zxid, and how many were not the leader's."""
        lines = (self.word(server, "hash") or "").splitlines()
        pairs = [line.split(": ") for line in lines if ": " in line]
        mntr = (self.word(server, "mntr") or "").splitlines()
        wrong = [line.split("\t")[1] for line in mntr if "digest_mismatches_count" in line]
        return {int(zxid, 16): int(digest) for zxid, digest in pairs}, sum(map(int, wrong))


def begun(binary, folder, split, options, leader_kind, lines=()):
    """An ensemble whose leader is of this kind: it starts before the last server does, with one
    more, if there is one of its kind that the vote can fall on."""
    ensemble = Mixed(binary, folder, split, options, lines)
    # With equal histories the greater id wins.
    first = max(server for server in ensemble.IDS if ensemble.kind(server) == leader_kind)
    second = next(server for server in ensemble.IDS if server < first) if first > 1 else None
    if second is None:
        # Server 1 wins no vote at the start. It leads when it has what server 2 lacks.
        for server in (1, 3):
            ensemble.start(server)
        write_some(ensemble, eventually(ensemble.leader, "two servers that serve"), 10)
        ensemble.kill(3)
        ensemble.start(2)
        eventually(ensemble.leader, "two servers that serve")
        ensemble.start(3)
        leader = ensemble.serving()
        require(ensemble.kind(leader) == leader_kind, f"{split}: server {leader} leads")
        return ensemble, leader
    for server in (first, second):
        ensemble.start(server)
    eventually(ensemble.leader, "two servers that serve")
    third = next(server for server in ensemble.IDS if server not in (first, second))
    ensemble.start(third)
    leader = ensemble.serving()
    require(ensemble.kind(leader) == leader_kind, f"{split}: server {leader} leads")
    return ensemble, leader


def tree(ensemble, server):
    """Everything at one server: data, Stat and list of each node."""
    client = connect(ensemble, server)
    client.add_auth("digest", "u:p")
    client.sync("/")
    found, level = {}, ["/"]
    while level:
        asks = (client.get_async, client.get_acls_async, client.get_children_async)
        asked = [(path, [ask(path) for ask in asks]) for path in level if path not in OWN]
        level = []
        for path, answers in asked:
            (data, stat), lists, names = [one.get(timeout=CALL_TIMEOUT_S) for one in answers]
            found[path] = (data, tuple(stat), tuple(lists[0]))
            level += [f"{path.rstrip('/')}/{name}" for name in names]
    ensemble_text = client.get("/zookeeper/config")[0]
    stop(client)
    return found, ensemble_text


def equal(ensemble, what):
    """All servers hold the same."""

    def differing():
        states = {server: tree(ensemble, server) for server in ensemble.processes}
        (first, wanted), *others = states.items()
        for server, found in others:
            if found[1] != wanted[1] and ensemble.network is None:
                return f"config at {first} and {server}: {wanted[1]!r}, {found[1]!r}"
            paths = [p for p in wanted[0] | found[0] if wanted[0].get(p) != found[0].get(p)]
            if paths:
                return [(p, wanted[0].get(p), found[0].get(p)) for p in paths[:3]]
        return len(wanted[0])

    # A session that ends on its own may change nodes between two looks.
    count = differing()
    if not isinstance(count, int):
        count = differing()
    require(isinstance(count, int), f"{what}: {count}")
    same_digests(ensemble, what)
    return count


def same_digests(ensemble, what):
    ensemble.require_no_relics()
    compared = 0
    seen = {}
    for server in ensemble.processes:
        kept, wrong = ensemble.digests(server)
        if ensemble.kind(server) == "A":
            # The log of a server of 3.8.0 may hold transactions twice, and replaying them takes it
            # back for a while: at its start, and for each that it met again later. All others must
            # be right.
            again = ensemble.met_again(server)
            wrong_then, again_then = ensemble.replayed.setdefault(server, (wrong, again))
            wrong = max(0, wrong - wrong_then - (again - again_then))
            if again:
                # `hash` shows what it had then, too.
                kept = {}
        require(wrong == 0, f"{what}: {wrong} digests at server {server} are not the leader's")
        for zxid, digest in kept.items():
            compared += zxid in seen
            before = seen.setdefault(zxid, (server, digest))
            text_of = f"0x{zxid:x}: {before[1]} at {before[0]}, {digest} at {server}"
            require(before[1] == digest, f"{what}: digests after {text_of}")
    return compared


def create_body(path, flags, *more):
    return text(path) + struct.pack(">i", 1) + b"d" + OPEN + struct.pack(">i", flags) + b"".join(more)


def every_kind(ensemble, server):
    """Every kind of transaction there is, through one server."""
    top = f"/kinds-{server}-{ensemble.round}"
    client = connect(ensemble, server)
    client.create(top, b"create")
    # Every server keeps the numbers beside the limits by itself.
    client.create(f"/zookeeper/quota{top}", b"")
    client.create(f"/zookeeper/quota{top}/zookeeper_limits", b"count=3,bytes=100")
    client.create(f"/zookeeper/quota{top}/zookeeper_stats", b"count=0,bytes=0")
    client.create(f"{top}/two", b"create2", include_data=True)
    client.create(f"{top}/s-", b"", sequence=True)
    client.set(f"{top}/two", b"setData")
    client.set("/", b"root %d" % ensemble.round)
    client.create(f"{top}/gone", b"")
    client.delete(f"{top}/gone")
    client.add_auth("digest", "u:p")
    client.set_acls(f"{top}/two", [make_digest_acl("u", "p", all=True)])
    refused(errors.NodeExistsError, client.create, top)
    refused(errors.NoNodeError, client.delete, f"{top}/none")
    steps = client.transaction()
    steps.create(f"{top}/m", b"multi")
    steps.create(f"{top}/m/e", b"", ephemeral=True)
    steps.check(f"{top}/m", 0)
    steps.set_data(f"{top}/m", b"set")
    steps.create(f"{top}/m/gone", b"")
    steps.delete(f"{top}/m/gone")
    require(not any(isinstance(one, Exception) for one in steps.commit()), "multi failed")
    steps = client.transaction()
    steps.create(f"{top}/never", b"")
    steps.check(f"{top}/m", 77)
    require(isinstance(steps.commit()[1], errors.BadVersionError), "a multi that fails")
    require(client.exists(f"{top}/never") is None, "half a multi happened")
    session = connect(ensemble, server)
    session.create(f"{top}/e", b"", ephemeral=True)
    session.create(f"{top}/e-", b"", ephemeral=True, sequence=True)
    stop(session)
    require(client.exists(f"{top}/e") is None, "an ephemeral node outlived its session")
    one = Connection(ensemble.client_ports[server])
    error, _ = one.ask(CREATE_CONTAINER, create_body(f"{top}/c", 4))
    require(error == 0, f"createContainer: {error}")
    error, _ = one.ask(CREATE_TTL, create_body(f"{top}/t", 5, struct.pack(">q", 10**9)))
    require(error == 0, f"createTTL: {error}")
    # The servers agree that the ensemble cannot be changed (reconfigEnabled is off).
    error, _ = one.ask(RECONFIG, struct.pack(">iii", -1, -1, -1) + struct.pack(">q", -1))
    require(error == -123, f"reconfig: {error}")
    # The leader deletes a container that has lost its last child, and a node whose time is over.
    error, _ = one.ask(CREATE_CONTAINER, create_body(f"{top}/empty", 4))
    error, _ = one.ask(1, create_body(f"{top}/empty/child", 0))
    error, _ = one.ask(2, text(f"{top}/empty/child") + struct.pack(">i", -1))
    error, _ = one.ask(CREATE_TTL, create_body(f"{top}/short", 5, struct.pack(">q", 1)))
    one.close()
    for path in (f"{top}/empty", f"{top}/short"):
        eventually(lambda: client.exists(path) is None, f"{path} is deleted by the leader", 60)
    stop(client)
    ensemble.round += 1


def sessions_live(ensemble):
    """A session at each server outlives ten of its timeouts by pings alone."""
    clients = {}
    for server in ensemble.IDS:
        clients[server] = KazooClient(hosts=ensemble.hosts(server), timeout=2)
        clients[server].start(timeout=CALL_TIMEOUT_S)
    before = {server: client.client_id for server, client in clients.items()}
    for server, client in clients.items():
        client.create(f"/alive-{server}", b"", ephemeral=True)
    timeout = max(client._session_timeout / 1000 for client in clients.values())
    threading.Event().wait(10 * timeout)
    for server, client in clients.items():
        require(client.client_id == before[server], f"server {server} lost a session")
        for other in clients.values():
            other.sync("/")
            require(other.exists(f"/alive-{server}"), f"the session at server {server} ended")
        client.delete(f"/alive-{server}")
    for client in clients.values():
        stop(client)
    return timeout


def session_moves(ensemble):
    """A session goes from server to server, with its password, and keeps its ephemeral node."""
    one = Connection(ensemble.client_ports[1])
    session, password = one.session, one.password
    error, _ = one.ask(1, create_body("/moving", 1))
    require(error == 0, f"create: {error}")
    zxid = 0
    for server in (2, 3, 1, 3, 2):
        # As if the connection was lost.
        one.close()
        one = Connection(ensemble.client_ports[server], zxid, session, password)
        require(one.session == session, f"server {server} does not take the session")
        error, _ = one.ask(5, text("/moving") + struct.pack(">i", 1) + b"x" + struct.pack(">i", -1))
        require(error == 0, f"setData at server {server}: {error}")
    one.ask(-11, b"")
    one.close()
    wrong = Connection(ensemble.client_ports[2], 0, session, bytes(16))
    require(not wrong.session, "a wrong password was taken")
    wrong.close()


def write_some(ensemble, server, count, size=100):
    client = connect(ensemble, server)
    pending = [client.create_async(f"/some-{ensemble.round}-{n}", b"x" * size) for n in range(count)]
    for one in pending:
        one.get(timeout=CALL_TIMEOUT_S)
    stop(client)
    ensemble.round += 1


def rejoin(ensemble, server, count, size=100):
    """A server misses so many transactions and comes back."""
    if server in ensemble.processes:
        ensemble.kill(server)
    leader = eventually(ensemble.leader, "two servers that serve")
    write_some(ensemble, leader, count, size)
    ensemble.start(server)
    ensemble.serving()
    equal(ensemble, f"server {server} missed {count}")


def one_split(binary, folder, split, leader_kind, options):
    ensemble, leader = begun(binary, folder, split, options, leader_kind)
    begin = time.monotonic()
    try:
        same_digests(ensemble, "the beginning")
        for server in ensemble.IDS:
            every_kind(ensemble, server)
        count = equal(ensemble, "every kind")
        session_moves(ensemble)
        if leader_kind == "R" or not options.quick:
            sessions_live(ensemble)
        # By DIFF from memory, and after more than 500 by the log or by SNAP.
        follower = next(server for server in ensemble.IDS if server != leader)
        for server in ensemble.IDS:
            if server != leader:
                rejoin(ensemble, server, 20)
        rejoin(ensemble, follower, 700)
        rejoin(ensemble, next(s for s in ensemble.IDS if s not in (leader, follower)), 1300)
        led = [ensemble.kind(leader)]
        for _ in range(options.leader_kills):
            leader = ensemble.serving()
            rejoin(ensemble, leader, 10)
            led.append(ensemble.kind(ensemble.serving()))
        for server in ensemble.IDS:
            every_kind(ensemble, server)
        count = equal(ensemble, "after the leader kills")
        write_some(ensemble, ensemble.serving(), 300)
        compared = same_digests(ensemble, "at the end")
        require(compared > 0, "no digests were compared")
        took = time.monotonic() - begin
        print(
            f"ok   {split}, leaders {'->'.join(led)}: {count} nodes equal at all servers, "
            f"{compared} digests in `hash` compared, 0 differ, {took:.0f} s",
            flush=True,
        )
    except (Failed, errors.KazooException):
        ensemble.require_no_relics()
        ensemble.logs()
        raise
    finally:
        ensemble.stop()


def splits(binary, folder, options):
    for split in options.splits:
        for leader_kind in options.leaders:
            if options.quick and leader_kind == "A" and split not in ("AAR", "RRA"):
                continue
            name = f"{split}-{leader_kind}"
            unless_void(folder, name, lambda place: one_split(binary, place, split, leader_kind, options))


def unless_void(folder, name, run):
    """Runs it in a new folder, and once more in another if nothing can be said of its ensemble."""
    for attempt in range(VOIDS_MAX + 1):
        place = pathlib.Path(folder) / f"{name}-{attempt}"
        place.mkdir()
        try:
            return run(place)
        except Void as void:
            print(f"note {name}: {void}; once more", flush=True)
    raise Failed(f"{name}: {VOIDS_MAX + 1} ensembles were given up")


def soak_one(binary, folder, split, chance, end, options):
    """Writers at every server, while servers are killed and frozen."""
    lines = ("snapCount=500",)
    ensemble = Mixed(binary, folder, split, options, lines)
    ensemble.network = cuts.Network(ensemble)
    # At least one round, also of an ensemble that took the place of another.
    known = {server: 0 for server in ensemble.IDS}
    acknowledged, rounds, faults = 0, 0, collections.Counter()
    try:
        for server in ensemble.IDS:
            ensemble.start(server)
        leader = ensemble.serving()
        client = connect(ensemble, leader)
        for server in ensemble.IDS:
            client.create(f"/{server}", b"0")
        stop(client)
        while rounds == 0 or time.monotonic() < end:
            writers = {
                server: Writer(ensemble.client_ports[server], f"/{server}", known[server])
                for server in ensemble.IDS
            }
            for writer in writers.values():
                writer.start()
            goal = chance.randint(20, 900)
            alive = lambda: [one for one in writers.values() if one.is_alive()]
            written = lambda: sum(w.acknowledged - known[s] for s, w in writers.items())
            eventually(lambda: written() > goal or not alive(), "some writes")
            fault = chance.choice(["one", "leader", "leader", "all", "freeze", *cuts.KINDS])
            faults[fault] += 1
            victims = []
            if fault == "freeze" or fault in cuts.KINDS:
                cuts.disturb(ensemble, fault, chance.choice([leader, *ensemble.IDS]), chance)
            else:
                one = leader if fault == "leader" else chance.choice(ensemble.IDS)
                victims = ensemble.IDS if fault == "all" else [one]
            for server in victims:
                ensemble.kill(server)
            for server in victims:
                ensemble.start(server)
            leader = ensemble.serving()
            same_digests(ensemble, f"round {rounds}")
            for writer in writers.values():
                writer.ending.set()
            for server, writer in writers.items():
                writer.join(timeout=60)
                require(writer.failure is None, f"the writer at server {server}: {writer.failure}")
            for server, writer in writers.items():
                path, least = f"/{server}", writer.acknowledged
                found = settled(ensemble, path)
                require(found >= least, f"{path} is {found}, {least} was acknowledged")
                require(found <= writer.sent, f"{path} is {found}, {writer.sent} was sent last")
                acknowledged += least - known[server]
                known[server] = found
            rounds += 1
            if rounds % 5 == 0:
                equal(ensemble, f"round {rounds}")
        count = equal(ensemble, "the end")
        compared = same_digests(ensemble, "the end")
        print(
            f"ok   {split}: {told(faults)}; {acknowledged} acknowledged writes, none lost; "
            f"{count} nodes equal; {compared} digests in `hash` compared, 0 differ; "
            f"{ensemble.emptied} times Apache's did not start for an empty log file",
            flush=True,
        )
    except (Failed, errors.KazooException):
        ensemble.require_no_relics()
        ensemble.logs()
        raise
    finally:
        ensemble.stop()
        ensemble.network.close()


def told(faults):
    return ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items()))


def settled(ensemble, path):
    """A number that is the same at all servers."""

    def same():
        ensemble.require_no_relics()
        try:
            values = {value(ensemble, server, path) for server in ensemble.IDS}
        except (OSError, Failed):
            return None
        return values if len(values) == 1 else None

    return eventually(same, "equal servers").pop()


def soak(binary, folder, options):
    chance = random.Random(options.seed)
    share = options.seconds / len(options.splits)
    for split in options.splits:
        end = time.monotonic() + share
        run = lambda place: soak_one(binary, place, split, chance, end, options)
        unless_void(folder, f"soak-{split}", run)


def main():
    # It reports every lost connection; here they are wanted.
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    parser = Parser(description="zab-server and Apache ZooKeeper in one ensemble")
    parser.add_argument("--server", default="target/debug/zab-server", help="the binary")
    parser.add_argument("--classpath", default=CLASSPATH, help="Apache ZooKeeper, and a logger")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the logs of a run that fails")
    parser.add_argument("--splits", default=",".join(SPLITS), help="for example AAR,RRA")
    parser.add_argument("--trace", type=pathlib.Path, help="folder for the traces of zab-servers")
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("splits")
    one.add_argument("--leaders", default="RA", help="kinds of the first leader")
    one.add_argument("--leader-kills", type=int, default=3)
    one.add_argument("--quick", action="store_true", help="fewer leaders and timeouts")
    one = parts.add_parser("soak")
    one.add_argument("--seconds", type=float, default=60)
    one.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.splits = options.splits.split(",")
    binary = pathlib.Path(options.server).resolve()
    if not binary.is_file():
        print(f"{binary} is no file: cargo build -p zab-server", file=sys.stderr)
        return 3
    if not shutil.which("java") or not pathlib.Path(options.classpath.split(":")[0]).exists():
        print(f"there is no java, or no {options.classpath}: apt-get install zookeeper", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="zab-mixed-") as folder:
        try:
            {"splits": splits, "soak": soak}[options.part](binary, folder, options)
            return 0
        except (Failed, OSError, errors.KazooException) as failure:
            print(f"FAIL {failure!r}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
