#!/usr/bin/env python3
"""Ensembles of more than three servers: observers, five voters, groups and weights.

    pip install kazoo==2.11.0
    cargo build -p zab-server
    python3 impl/server/tests/observers.py
    python3 impl/server/tests/observers.py --apache /usr/share/java/zookeeper.jar

observers: three voters and two observers. Clients read and write at the observers; one misses
transactions and comes back by DIFF and by SNAP; the leader is killed; without a quorum of voters
nobody serves, however many observers there are.

five: five voters go on without two of them, and do not without three.

groups: five voters in two groups, in which one server has no weight. A majority of servers that is
no quorum of groups does not serve, and the server without weight never leads.

With --apache some servers of the first two are Apache ZooKeeper's, with and without a vote.
Exits 0 if all holds, 1 if not, 3 on bad usage.
"""

import logging
import pathlib
import subprocess
import sys
import tempfile


from ensemble import CALL_TIMEOUT_S, HOST, TICK_MS, Ensemble, Failed, Parser, connect, eventually
from ensemble import require, reserve, stop
from storage import JAVA


class Large(Ensemble):
    """Servers 1 to N; `observers` have no vote, `apache` are Apache's."""

    def __init__(self, binary, folder, count, observers=(), lines=(), apache=(), classpath=None):
        self.IDS = tuple(range(1, count + 1))
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.observers, self.apache, self.classpath = observers, apache, classpath
        self.reserved = reserve(3 * count)
        ports = iter([one.getsockname()[1] for one in self.reserved])
        self.client_ports = {server: next(ports) for server in self.IDS}
        self.processes = {}
        kind = lambda server: ":observer" if server in observers else ""
        servers = [f"server.{n}={HOST}:{next(ports)}:{next(ports)}{kind(n)}" for n in self.IDS]
        for server in self.IDS:
            data = self.folder / str(server)
            data.mkdir(parents=True)
            (data / "myid").write_text(f"{server}\n")
            config = [
                f"tickTime={TICK_MS}",
                "initLimit=20",
                "syncLimit=10",
                f"dataDir={data}",
                f"clientPort={self.client_ports[server]}",
                f"clientPortAddress={HOST}",
                "4lw.commands.whitelist=*",
                "admin.enableServer=false",
                f"peerType={'observer' if server in observers else 'participant'}",
                *servers,
                *lines,
            ]
            (data / "zoo.cfg").write_text("\n".join(config) + "\n")

    def start(self, server):
        if server not in self.apache:
            super().start(server)
            return
        data = self.folder / str(server)
        command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", self.classpath, JAVA]
        with open(data / "log.txt", "ab") as log:
            self.processes[server] = subprocess.Popen([*command, data / "zoo.cfg"], stdout=log, stderr=log)

    def leader(self):
        """The server that leads, once every server that runs serves in its role."""
        for server, process in self.processes.items():
            require(process.poll() is None, f"server {server} ended with {process.returncode}")
        modes = {server: self.mode(server) for server in self.processes}
        leaders = [server for server, mode in modes.items() if mode == "leader"]
        role = lambda server: "observer" if server in self.observers else "follower"
        others = {server: mode for server, mode in modes.items() if server not in leaders}
        if len(leaders) != 1 or any(mode != role(server) for server, mode in others.items()):
            return None
        return leaders[0]

    def serving(self, what):
        return eventually(self.leader, what)

    def nobody_serves(self, what):
        eventually(lambda: all(self.mode(server) is None for server in self.processes), what)

    def number(self, server, name):
        lines = (self.word(server, "mntr") or "").splitlines()
        found = [line.split("\t")[1] for line in lines if line.startswith(f"zk_{name}\t")]
        return int(found[0]) if found else None


def write_at(ensemble, server, path, value):
    client = connect(ensemble, server)
    client.ensure_path(path)
    client.set(path, value)
    require(client.get(path)[0] == value, f"server {server} does not show its own write")
    stop(client)


def same_everywhere(ensemble, what):
    """Nodes, data and Stats at all servers that run, and their digests."""

    def state(server):
        client = connect(ensemble, server)
        client.sync("/")
        found, level = {}, ["/"]
        while level:
            asks = (client.get_async, client.get_children_async)
            level = [path for path in level if not path.startswith("/zookeeper")]
            asked = [(path, [ask(path) for ask in asks]) for path in level]
            level = []
            for path, answers in asked:
                (data, stat), names = [one.get(timeout=CALL_TIMEOUT_S) for one in answers]
                found[path] = (data, tuple(stat))
                level += [f"{path.rstrip('/')}/{name}" for name in names]
        stop(client)
        return found

    states = {server: state(server) for server in ensemble.processes}
    first = next(iter(states.values()))
    require(all(one == first for one in states.values()), f"{what}: the servers differ")
    for server in ensemble.processes:
        wrong = ensemble.number(server, "digest_mismatches_count")
        if server not in ensemble.apache:
            require(wrong == 0, f"{what}: {wrong} digests at server {server} are not the leader's")
    return len(first)


def away(ensemble, server, count):
    ensemble.kill(server)
    leader = ensemble.serving("the others serve")
    client = connect(ensemble, leader)
    pending = [client.create_async(f"/away-{server}-{count}-{n}", b"x") for n in range(count)]
    for one in pending:
        one.get(timeout=CALL_TIMEOUT_S)
    stop(client)
    ensemble.start(server)
    ensemble.serving(f"server {server} is back after {count}")


def observers(binary, folder, options):
    apache = (2, 5) if options.apache else ()
    ensemble = Large(binary, folder, 5, (4, 5), apache=apache, classpath=options.apache)
    try:
        for server in ensemble.IDS:
            ensemble.start(server)
        leader = ensemble.serving("five servers serve")
        for server in ensemble.IDS:
            write_at(ensemble, server, f"/at-{server}", b"%d" % server)
        eventually(lambda: ensemble.number(leader, "synced_observers") == 2, "two observers")
        require(ensemble.number(leader, "synced_followers") == 2, "two followers")
        same_everywhere(ensemble, "writes at observers")
        # An observer's client has watches and ephemeral nodes as any other.
        client, other = connect(ensemble, 4), connect(ensemble, 5)
        seen = []
        require(client.exists("/watched", seen.append) is None, "nothing yet")
        other.create("/watched", b"", ephemeral=True)
        eventually(lambda: seen, "the watch at an observer fires")
        stop(other)
        eventually(lambda: client.exists("/watched") is None, "the session ends")
        stop(client)
        for server, count in ((4, 30), (5, 30), (4, 900), (5, 900)):
            away(ensemble, server, count)
        count = same_everywhere(ensemble, "observers that were away")
        ensemble.kill(leader)
        second = ensemble.serving("a new leader, and both observers")
        write_at(ensemble, 4, "/after", b"leader killed")
        # One voter is left, and two observers.
        gone = next(server for server in (1, 2, 3) if server in ensemble.processes and server != second)
        ensemble.kill(gone)
        ensemble.nobody_serves("one voter and two observers do not serve")
        for server in (leader, gone):
            ensemble.start(server)
        ensemble.serving("all serve again")
        write_at(ensemble, 5, "/after", b"all are back")
        count = same_everywhere(ensemble, "the end")
        print(f"ok   three voters, two observers{with_apache(options)}: {count} nodes equal at all", flush=True)
    finally:
        finish(ensemble)


def five(binary, folder, options):
    apache = (1, 4) if options.apache else ()
    ensemble = Large(binary, folder, 5, apache=apache, classpath=options.apache)
    try:
        for server in ensemble.IDS:
            ensemble.start(server)
        ensemble.serving("five servers serve")
        killed = []
        for round in range(2):
            leader = ensemble.serving("the others serve")
            ensemble.kill(leader)
            killed.append(leader)
            write_at(ensemble, ensemble.serving("the others serve"), "/five", b"%d" % round)
        ensemble.kill(next(iter(ensemble.processes)))
        ensemble.nobody_serves("two of five do not serve")
        for server in ensemble.IDS:
            if server not in ensemble.processes:
                ensemble.start(server)
        ensemble.serving("five servers serve again")
        count = same_everywhere(ensemble, "five")
        print(f"ok   five voters{with_apache(options)}: two dead leaders, then three dead: {count} nodes equal", flush=True)
    finally:
        finish(ensemble)


def groups(binary, folder, options):
    """Of group 1, all three have a vote; of group 2, server 5 has none."""
    lines = ("group.1=1:2:3", "group.2=4:5", "weight.5=0")
    ensemble = Large(binary, folder, 5, lines=lines)
    try:
        # Servers 1, 2, 3 and 5 are four of five, and no more than half of group 2.
        for server in (1, 2, 3, 5):
            ensemble.start(server)
        pause = connect_refused(ensemble)
        ensemble.start(4)
        leader = ensemble.serving("all serve")
        require(leader == 4, f"server {leader} leads; 5 has no weight, and 4 the greatest id else")
        write_at(ensemble, 5, "/groups", b"1")
        # Server 3 and 5 do not matter.
        ensemble.kill(3)
        ensemble.kill(5)
        leader = ensemble.serving("servers 1, 2 and 4 serve")
        write_at(ensemble, leader, "/groups", b"2")
        for server in (3, 5):
            ensemble.start(server)
        ensemble.serving("all serve again")
        ensemble.kill(1)
        ensemble.kill(2)
        ensemble.nobody_serves("3, 4 and 5 are less than half of group 1")
        for server in (1, 2):
            ensemble.start(server)
        ensemble.serving("all serve at last")
        count = same_everywhere(ensemble, "groups")
        print(f"ok   two groups, a server without weight: {count} nodes equal; {pause} looks, none served", flush=True)
    finally:
        finish(ensemble)


def connect_refused(ensemble):
    """Four of five elect nobody that gets to serve: they look for a leader again and again."""
    looks = 0

    def has_looked_often():
        nonlocal looks
        looks += 1
        for server, process in ensemble.processes.items():
            require(process.poll() is None, f"server {server} ended")
            require(ensemble.mode(server) is None, f"server {server} serves without a quorum")
        return looks >= 100

    eventually(has_looked_often, "a hundred looks")
    return looks


def with_apache(options):
    return ", some of Apache's" if options.apache else ""


def finish(ensemble):
    if sys.exc_info()[0]:
        ensemble.logs()
    ensemble.stop()


def main():
    # It reports every lost connection; here they are wanted.
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    parser = Parser(description="observers, five servers, groups and weights")
    parser.add_argument("--server", default="target/debug/zab-server", help="the binary")
    parser.add_argument("--apache", metavar="CLASSPATH", help="some servers are Apache's")
    parser.add_argument("part", nargs="*", default=["observers", "five", "groups"])
    options = parser.parse_args()
    binary = pathlib.Path(options.server).resolve()
    parts = {"observers": observers, "five": five, "groups": groups}
    if not binary.is_file() or not set(options.part) <= set(parts):
        print(f"{binary} is no file, or no such part: {options.part}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="zab-observers-") as folder:
        try:
            for part in options.part:
                parts[part](binary, pathlib.Path(folder) / part, options)
            return 0
        except (Failed, OSError) as failure:
            print(f"FAIL {failure}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
