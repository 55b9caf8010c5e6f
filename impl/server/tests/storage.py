#!/usr/bin/env python3
"""What zab-server keeps on disk and in memory, against three real processes.

    pip install kazoo==2.11.0
    cargo build -p zab-server
    python3 impl/server/tests/storage.py growth
    python3 impl/server/tests/storage.py stall
    python3 impl/server/tests/storage.py kills
    python3 impl/server/tests/storage.py spare
    python3 impl/server/tests/storage.py apache --classpath /usr/share/java/zookeeper.jar

growth: clients write to ten nodes. Prints memory (VmRSS) and files of each server after each
quarter, then restarts all and prints how long the first write takes. With --nodes there are more
nodes. With --before BINARY the same is done with another binary first, in the same run.

stall: many nodes, and one client that writes at the leader, one write at a time, first without and
then with snapshots. Prints the longest time between two answers of each.

kills: clients write without waiting while snapshots are taken all the time; servers get SIGKILL at
random moments, one, the leader, or all. Afterwards every acknowledged write must be at every
server. Prints how many snapshots were taken, and how often a kill left a half-written one.

spare: old files are purged, then the newest snapshot of each server is damaged. The servers must
still have everything: the older snapshots that are kept have the logs that they need.

apache: the data directories of three zab-servers go to three servers of Apache ZooKeeper, which
write to them, and back. Each time the new servers must have the same nodes, data and Stats.

Small by default, so that CI can run it. Exits 0 if all holds, 1 if not, 3 on bad usage.
"""

import logging
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

from kazoo.client import KazooClient

from ensemble import CALL_TIMEOUT_S, Ensemble, Failed, Parser, connect, eventually, require, stop
from sizes import Client, Stopwatch, memory, shown, started, text

GET = 4
JAVA = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


def ensemble_of(binary, folder, *lines):
    ensemble = Ensemble(binary, folder)
    for server in ensemble.IDS:
        with open(ensemble.folder / str(server) / "zoo.cfg", "a") as config:
            config.writelines(f"{line}\n" for line in lines)
    return ensemble


def files(ensemble, server, prefix):
    folder = ensemble.folder / str(server) / "version-2"
    return sorted(path for path in folder.iterdir() if path.name.startswith(prefix))


def disk(ensemble):
    folder = ensemble.folder / "1" / "version-2"
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    snapshots, logs = len(files(ensemble, 1, "snapshot.")), len(files(ensemble, 1, "log."))
    return f"server 1 has {size:.0f} MB, {snapshots} snapshots, {logs} log files"


def write(ensemble, leader, count, outstanding=500):
    """Sets the data of ten nodes, `count` times in all."""
    client = Client(ensemble.client_ports[leader])
    for number in range(count):
        client.set(f"/{number % 10}", b"x" * 100)
        if number >= outstanding:
            client.done("set")
    for _ in range(min(outstanding, count)):
        client.done("set")
    client.close()


def fill(ensemble, leader, count, size=100, outstanding=500):
    """Creates so many nodes, a thousand to a parent."""
    client = Client(ensemble.client_ports[leader])
    asked = 0
    for number in range(count):
        if number % 1000 == 0:
            client.create(f"/filler-{number // 1000}", b"x" * size)
            asked += 1
        client.create(f"/filler-{number // 1000}/{number}", b"x" * size)
        asked += 1
        while asked > outstanding:
            client.done("create")
            asked -= 1
    for _ in range(asked):
        client.done("create")
    client.close()


def grow(binary, folder, options):
    """Memory after each quarter, after a restart, and how long the restart took."""
    ensemble = ensemble_of(binary, folder, *options.config)
    try:
        leader = started(ensemble)
        client = Client(ensemble.client_ports[leader])
        for number in range(10):
            client.create(f"/{number}")
            client.done("create")
        client.close()
        fill(ensemble, leader, options.nodes)
        sizes = []
        for quarter in range(1, 5):
            write(ensemble, leader, options.writes // 4)
            sizes.append(max(memory(ensemble).values()))
            print(f"ok   {quarter * options.writes // 4} writes: {shown(memory(ensemble))}; {disk(ensemble)}")
        for server in ensemble.IDS:
            ensemble.kill(server)
        begin = time.monotonic()
        leader = started(ensemble)
        write(ensemble, leader, 1)
        took = time.monotonic() - begin
        print(f"ok   all restarted: a write after {took:.2f} s; {shown(memory(ensemble))}")
        return sizes, max(memory(ensemble).values()), took
    except Failed:
        ensemble.logs()
        raise
    finally:
        ensemble.stop()


def growth(binary, folder, options):
    results = []
    for index, one in enumerate([options.before, binary] if options.before else [binary]):
        place = pathlib.Path(folder) / str(index)
        place.mkdir()
        print(f"     {one}")
        results.append(grow(pathlib.Path(one).resolve(), place, options))
    if options.before:
        (old, old_after, old_took), (new, new_after, new_took) = results
        print(
            f"ok   before / now: memory {old[-1]} / {new[-1]} MB, after the restart {old_after} / "
            f"{new_after} MB, restart {old_took:.2f} / {new_took:.2f} s ({old_took / new_took:.1f})"
        )
    sizes, _, took = results[-1]
    grown = sizes[-1] - sizes[0]
    require(grown <= options.grow_max, f"memory grew by {grown} MB, more than {options.grow_max}")
    require(took <= options.restart_max, f"the restart took more than {options.restart_max} s")


def stall(binary, folder, options):
    for index, count in enumerate([10_000_000, options.snap_count]):
        place = pathlib.Path(folder) / str(index)
        place.mkdir()
        ensemble = ensemble_of(binary, place, f"snapCount={count}")
        try:
            leader = started(ensemble)
            fill(ensemble, leader, options.nodes)
            client = Client(ensemble.client_ports[leader])
            for number in range(10):
                client.create(f"/{number}")
                client.done("create")
            client.close()
            before = len(files(ensemble, leader, "snapshot."))
            watch = Stopwatch(ensemble.client_ports[leader])
            watch.start()
            write(ensemble, leader, options.writes, outstanding=100)
            watch.stop()
            taken = len(files(ensemble, leader, "snapshot.")) - before
            print(
                f"ok   {options.nodes} nodes, snapCount={count}: {taken} snapshots at the leader; "
                f"longest time between two of {watch.writes} writes {watch.longest:.3f} s"
            )
        except Failed:
            ensemble.logs()
            raise
        finally:
            ensemble.stop()
    require(taken > 0, "no snapshot was taken")
    require(watch.longest <= options.stall_max, f"longer than {options.stall_max} s")


class Writer(threading.Thread):
    """Sets one node's data to 1, 2, 3, … at one server, until it is told to end or cut off."""

    OUTSTANDING = 30

    def __init__(self, port, path, first):
        super().__init__(daemon=True)
        self.port, self.path = port, path
        self.sent = self.acknowledged = first
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            client = Client(self.port)
            while not self.ending.is_set():
                self.sent += 1
                client.set(self.path, b"%d" % self.sent)
                if self.sent - self.acknowledged >= self.OUTSTANDING:
                    client.done("set")
                    self.acknowledged += 1
            while self.acknowledged < self.sent:
                client.done("set")
                self.acknowledged += 1
        except (OSError, struct.error):
            pass  # the server is gone
        except Failed as failure:
            self.failure = failure


def value(ensemble, server, path):
    client = Client(ensemble.client_ports[server])
    try:
        client.ask(GET, text(path), b"\0")
        answer = client.receive()
    finally:
        client.close()
    error, length = struct.unpack_from(">i", answer, 12)[0], struct.unpack_from(">i", answer, 16)[0]
    require(error == 0, f"get {path} at server {server}: error {error}")
    return int(answer[20 : 20 + length])


# Of the times that recoveries took, which are told.
SHARES = (0, 50, 90, 99, 100)


def kills(binary, folder, options):
    chance = random.Random(options.seed)
    lines = ("snapCount=40", "commitLogCount=30", "autopurge.purgeInterval=1")
    ensemble = ensemble_of(binary, folder, *lines)
    if options.conform:
        ensemble.traces = pathlib.Path(folder) / "traces"
    if options.apache:
        ensemble = Apache(ensemble, options.apache)
    recovered = []
    try:
        leader = started(ensemble)
        known = {server: 0 for server in ensemble.IDS}
        client = Client(ensemble.client_ports[leader])
        for server in ensemble.IDS:
            client.create(f"/{server}", b"0")
            client.done("create")
        # So that writing a snapshot takes a while.
        for number in range(options.nodes):
            client.create(f"/filler-{number}", b"x" * 10_000)
            client.done("create")
        client.close()
        seen, half, acknowledged = set(), 0, 0
        for _ in range(options.rounds):
            writers = {
                server: Writer(ensemble.client_ports[server], f"/{server}", known[server])
                for server in ensemble.IDS
            }
            for writer in writers.values():
                writer.start()
            goal = chance.randint(20, 400)
            alive = lambda: [one for one in writers.values() if one.is_alive()]
            written = lambda: sum(w.acknowledged - known[s] for s, w in writers.items())
            eventually(lambda: written() > goal or not alive(), "some writes")
            victims = chance.choice([[chance.choice(ensemble.IDS)], [leader], ensemble.IDS])
            for server in victims:
                ensemble.kill(server)
            for server in victims:
                half += len(files(ensemble, server, "snapshot.own.tmp"))
            killed = time.monotonic()
            others = [server for server in ensemble.IDS if server not in victims]
            for server in others:
                seen.update((server, path.name) for path in files(ensemble, server, "snapshot."))
            for server in victims:
                seen.update((server, path.name) for path in files(ensemble, server, "snapshot."))
                ensemble.start(server)
            leader = eventually(ensemble.leader, "three servers that serve")
            recovered.append(time.monotonic() - killed)
            for writer in writers.values():
                writer.ending.set()
            for server, writer in writers.items():
                writer.join(timeout=60)
                require(writer.failure is None, f"the writer at server {server}: {writer.failure}")
                path, least = f"/{server}", writer.acknowledged
                values = lambda: {value(ensemble, one, path) for one in ensemble.IDS}
                same = eventually(lambda: (v := values()) and len(v) == 1 and v, "equal servers")
                found = same.pop()
                require(found >= least, f"{path} is {found}, {least} was acknowledged")
                require(found <= writer.sent, f"{path} is {found}, {writer.sent} was sent last")
                acknowledged += least - known[server]
                known[server] = found
        print(
            f"ok   {options.rounds} rounds, {acknowledged} acknowledged writes, none lost; "
            f"{len(seen)} snapshots seen, {half} half-written ones left by a kill; {disk(ensemble)}"
        )
        require(options.apache or len(seen) > 3 * options.rounds, "snapshots were hardly taken")
        recovered.sort()
        shares = [f"{share} %: {recovered[(len(recovered) - 1) * share // 100]:.2f}" for share in SHARES]
        print(f"     all three serve again after, s: {', '.join(shares)}")
        if options.conform:
            ensemble.stop()
            print(f"     {ensemble.conform(options.conform)}")
    except Failed:
        ensemble.logs()
        raise
    finally:
        ensemble.stop()


def spare(binary, folder, _options):
    lines = ("snapCount=40", "commitLogCount=30", "autopurge.purgeInterval=1")
    ensemble = ensemble_of(binary, folder, *lines)
    writes, kept = 600, 3
    try:
        client = Client(ensemble.client_ports[started(ensemble)])
        client.create("/n", b"0")
        client.done("create")
        # One at a time, so that there is time for a snapshot between two.
        for number in range(1, writes + 1):
            client.set("/n", b"%d" % number)
            client.done("set")
        client.close()
        before = {server: len(files(ensemble, server, "snapshot.")) for server in ensemble.IDS}
        ensemble.stop()
        started(ensemble)
        all_files = lambda: [files(ensemble, server, "snapshot.") for server in ensemble.IDS]
        # One may have been taken since.
        is_done = lambda: all(len(one) <= kept + 1 for one in all_files())
        eventually(is_done, "old snapshots are purged")
        ensemble.stop()
        for server in ensemble.IDS:
            require(before[server] > kept + 1, f"server {server} had {before[server]} snapshots")
            newest = max(files(ensemble, server, "snapshot."), key=lambda path: int(path.suffix[1:], 16))
            newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
        started(ensemble)
        for server in ensemble.IDS:
            found = value(ensemble, server, "/n")
            require(found == writes, f"server {server} has {found} of {writes} without its newest snapshot")
        print(f"ok   {before[1]} snapshots, some purged, the newest damaged: all {writes} writes are there")
    except Failed:
        ensemble.logs()
        raise
    finally:
        ensemble.stop()


class Apache(Ensemble):
    """The same configuration and folders, with servers of Apache."""

    def __init__(self, ensemble, classpath):
        self.__dict__.update(ensemble.__dict__)
        self.processes = {}
        self.classpath = classpath

    def start(self, server):
        data = self.folder / str(server)
        log = open(data / "apache.txt", "ab")
        options = ["-Xmx256m", "-Dzookeeper.extendedTypesEnabled=true"]
        command = ["java", *options, "-cp", self.classpath, JAVA, data / "zoo.cfg"]
        self.processes[server] = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()


def nodes(ensemble, server):
    """Everything at one server, by path, but what Apache keeps for itself."""
    client = KazooClient(hosts=ensemble.hosts(server), timeout=10)
    client.start(timeout=CALL_TIMEOUT_S)
    client.sync("/")
    found, ahead = {}, ["/"]
    while ahead:
        path = ahead.pop()
        data, stat = client.get(path)
        found[path] = (data, tuple(stat))
        children = client.get_children(path)
        ahead += [f"{path.rstrip('/')}/{name}" for name in children if path != "/zookeeper"]
    stop(client)
    return found


def compare(what, wanted, ensemble):
    for server in ensemble.IDS:
        found = nodes(ensemble, server)
        paths = [path for path in wanted | found if wanted.get(path) != found.get(path)]
        require(not paths, f"{what}, server {server}: {[(p, wanted.get(p), found.get(p)) for p in paths[:3]]}")
    print(f"ok   {what}: {len(wanted)} nodes, their data and Stats are the same at all servers")


def apache(binary, folder, options):
    usable = shutil.which("java") and pathlib.Path(options.classpath.split(":")[0]).exists()
    require(usable, f"there is no java, or no {options.classpath}")
    ours = ensemble_of(binary, folder, "snapCount=40", "commitLogCount=30")
    theirs = Apache(ours, options.classpath)
    current = ours
    try:
        leader = started(ours)
        client = connect(ours, leader)
        client.create("/first", b"1")
        stop(client)
        wanted = nodes(ours, leader)
        ours.stop()
        current = theirs
        started(theirs)
        compare("a few transactions and the first snapshot, to Apache", wanted, theirs)
        theirs.stop()
        current = ours
        leader = started(ours)
        client = connect(ours, leader)
        for number in range(200):
            client.create(f"/ours-{number}", b"%d" % number)
            client.set("/ours-0", b"%d" % number)
            if number % 3 == 0:
                client.delete(f"/ours-{number}")
                client.create(f"/ours-{number}", b"again")
        stop(client)
        wanted = nodes(ours, leader)
        require(len(files(ours, 1, "snapshot.")) > 3, "snapshots were hardly taken")
        ours.stop()
        current = theirs
        started(theirs)
        compare("snapshots and logs, to Apache", wanted, theirs)
        client = connect(theirs, 1)
        for number in range(100):
            steps = client.transaction()
            steps.create(f"/multi-{number}", b"m")
            steps.set_data("/ours-1", b"%d" % number)
            steps.create(f"/multi-{number}/child", b"c")
            require(not any(isinstance(one, Exception) for one in steps.commit()), "multi failed")
            client.set_acls("/ours-2", client.get_acls("/ours-2")[0])
            client.delete(f"/ours-{number + 10}")
        run_cli(theirs, options.classpath)
        ending = connect(theirs, 2)
        ending.create("/session", b"", ephemeral=True)
        client.create("/sequence-", b"", sequence=True)
        stop(ending)
        stop(client)
        wanted = nodes(theirs, 1)
        require("/container" in wanted and "/ttl" in wanted, "no container or no node with a TTL")
        theirs.stop()
        current = ours
        started(ours)
        compare("multi, containers, TTL, sessions and fuzzy snapshots, from Apache", wanted, ours)
        client = connect(ours, 3)
        client.create("/last", b"1")
        stop(client)
        print("ok   they go on writing")
    except Failed:
        current.logs()
        raise
    finally:
        current.stop()


def run_cli(theirs, classpath):
    """What kazoo cannot create."""
    commands = "create -c /container\ncreate /container/child\ncreate -t 100000000 /ttl data\nquit\n"
    command = ["java", "-cp", classpath, "org.apache.zookeeper.ZooKeeperMain", "-server", theirs.hosts(1)]
    subprocess.run(command, input=commands.encode(), capture_output=True, timeout=CALL_TIMEOUT_S)


def main():
    # It reports every lost connection; here they are wanted.
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    parser = Parser(description="the disk and the memory of three zab-server processes")
    parser.add_argument("--server", default="target/debug/zab-server", help="the binary")
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("growth")
    one.add_argument("--writes", type=int, default=20_000)
    one.add_argument("--nodes", type=int, default=0)
    one.add_argument("--config", action="append", default=[], help="a line for zoo.cfg")
    one.add_argument("--before", help="another binary, which does the same first")
    one.add_argument("--grow-max", type=float, default=30, help="MB from the first quarter on")
    one.add_argument("--restart-max", type=float, default=120, help="seconds")
    one = parts.add_parser("stall")
    one.add_argument("--nodes", type=int, default=20_000)
    one.add_argument("--writes", type=int, default=20_000)
    one.add_argument("--snap-count", type=int, default=5_000)
    one.add_argument("--stall-max", type=float, default=60, help="seconds")
    one = parts.add_parser("kills")
    one.add_argument("--rounds", type=int, default=5)
    one.add_argument("--nodes", type=int, default=300, help="of 10,000 bytes, to fill snapshots")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--conform", metavar="ZABCHECK", help="check the servers' traces with this")
    one.add_argument("--apache", metavar="CLASSPATH", help="three of Apache's servers, to compare")
    parts.add_parser("spare")
    one = parts.add_parser("apache")
    one.add_argument("--classpath", default="/usr/share/java/zookeeper.jar")
    options = parser.parse_args()
    binary = pathlib.Path(options.server).resolve()
    for program in [binary, *filter(None, [getattr(options, "before", None)])]:
        if not pathlib.Path(program).is_file():
            print(f"{program} is no file: cargo build -p zab-server", file=sys.stderr)
            return 3
    with tempfile.TemporaryDirectory(prefix="zab-storage-") as folder:
        try:
            parts = {"growth": growth, "stall": stall, "kills": kills, "spare": spare, "apache": apache}
            parts[options.part](binary, folder, options)
            return 0
        except (Failed, OSError) as failure:
            print(f"FAIL {failure}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
