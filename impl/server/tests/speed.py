#!/usr/bin/env python3
"""How fast three zab-servers are beside three servers of Apache ZooKeeper 3.8.0.

    pip install kazoo==2.11.0
    apt-get install zookeeper
    cargo build --release -p zab-server
    python3 impl/server/tests/speed.py --server target/release/zab-server

Both ensembles run all the time, with data on the same disk and real fsync. Every load is put on one and
on the other in short turns, so that what else the machine does hits both alike: trust ratios. Beside
the load each ensemble has 100 sessions with ten watches each, and a client that is told of every
write. Transactions carry digests.

Prints a table: the median rate of each, the median of the ratios turn by turn with the smallest and the
largest, and of loads with one request in flight for each client the median and 99th percentile of
the time to an answer; and how long processors work at the three servers for one answer, on which
other load has the least influence. Then the memory of the largest server, and the time from SIGKILL of
the leader to a write that succeeds.

With --before BINARY another zab-server takes the place of Apache's.

Exits 0 if every load ran without an error, 1 if not, 3 on bad usage. Whether a ratio is good is for the
reader.
"""

import logging
import os
import pathlib
import selectors
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from histories import MAIN_CLASS, PING, PING_XID, SET_DATA, Apaches
from ensemble import Connection, Ensemble, Failed, Parser, eventually, require
from sizes import ADD_WATCH, CREATE, OPEN, memory, text

GET_DATA, PERSISTENT = 4, 0
PATH, DATA = "/load", b"x" * 100
SESSIONS, WATCHES, SESSION_S = 100, 10, 40
# Name, clients, requests in flight of each, and which of ten requests are reads.
LOADS = [
    ("write, 1 client x 500", 1, 500, 0),
    ("write, 10 clients x 100", 10, 100, 0),
    ("write, 10 clients x 1", 10, 1, 0),
    ("write, 30 clients x 1", 30, 1, 0),
    ("90 % read, 10 clients x 50", 10, 50, 9),
    ("read, 10 clients x 100", 10, 100, 10),
]


def frame(xid, op, body):
    content = struct.pack(">ii", xid, op) + body
    return struct.pack(">i", len(content)) + content


WRITE = frame(1, SET_DATA, text(PATH) + struct.pack(">i", len(DATA)) + DATA + struct.pack(">i", -1))
READ = frame(2, GET_DATA, text(PATH) + b"\0")


class WarmApaches(Apaches):
    """With the memory that a server is usually given."""

    def start(self, server):
        data = self.folder / str(server)
        command = ["java", "-Xmx1g", "-Dzookeeper.admin.enableServer=false", "-cp", self.binary]
        command += [MAIN_CLASS, data / "zoo.cfg"]
        with open(data / "log.txt", "ab") as log:
            self.processes[server] = subprocess.Popen(command, stdout=log, stderr=log)


class Client:
    """A connection with as many requests in flight as it may have."""

    def __init__(self, port, in_flight, reads):
        self.socket = Connection(port, timeout_s=SESSION_S).socket
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests = [READ if number % 10 < reads else WRITE for number in range(1000)]
        self.in_flight, self.turn = in_flight, 0
        self.output, self.input, self.length = b"", b"", 0
        self.answered, self.errors = 0, 0
        self.since, self.latencies = 0.0, []

    def ask(self, count):
        begin = self.turn % 1000
        asked = self.requests[begin : begin + count]
        asked += self.requests[: count - len(asked)]
        self.turn += count
        self.output += b"".join(asked)
        self.flush()

    def flush(self):
        try:
            self.output = self.output[self.socket.send(self.output) :]
        except BlockingIOError:
            pass

    def alike(self, data):
        """How many whole answers of one length it begins with, if all are successes of that length:
        there are too many of them to look at one by one."""
        if len(data) < 20:
            return 0
        if not self.length:
            self.length = 4 + struct.unpack_from(">i", data)[0]
        count = len(data) // self.length
        end = count * self.length
        bytes_of = lambda offset: data[offset : end : self.length]
        lengths = [bytes([byte]) * count for byte in struct.pack(">i", self.length - 4)]
        fine = all(bytes_of(at) == expected for at, expected in enumerate(lengths))
        return count if fine and not any(any(bytes_of(at)) for at in range(16, 20)) else 0

    def take(self):
        """Takes in what has come; returns how many answers."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise Failed("a connection ended under load")
        data = self.input + data
        at = count = self.alike(data)
        at, end = at * self.length, len(data)
        while at + 20 <= end:
            (length,) = struct.unpack_from(">i", data, at)
            if at + 4 + length > end:
                break
            self.errors += data[at + 16 : at + 20] != bytes(4)
            at += 4 + length
            count += 1
        self.input = data[at:]
        return count


def put_on(port, clients, in_flight, reads, seconds, watcher):
    """Answers in a second, and the times to an answer in ms where one request is in flight."""
    all_clients = [Client(port, in_flight, reads) for _ in range(clients)]
    selector = selectors.DefaultSelector()
    selector.register(watcher.socket, selectors.EVENT_READ, None)
    for one in all_clients:
        selector.register(one.socket, selectors.EVENT_READ, one)
    begun = time.perf_counter()
    for one in all_clients:
        one.since = time.perf_counter()
        one.ask(in_flight)
    while (now := time.perf_counter()) < begun + seconds:
        for key, _ in selector.select(seconds):
            one = key.data
            if one is None:
                watcher.socket.recv(1 << 20)
                continue
            count = one.take()
            one.answered += count
            if in_flight == 1 and count:
                now = time.perf_counter()
                one.latencies.append((now - one.since) * 1000)
                one.since = now
            if count or one.output:
                one.ask(count)
    took = time.perf_counter() - begun
    for one in all_clients:
        one.socket.close()
    require(not sum(one.errors for one in all_clients), "a request failed under load")
    rate = sum(one.answered for one in all_clients) / took
    return rate, sorted(time for one in all_clients for time in one.latencies)


class Side:
    """An ensemble, and the sessions and watches beside the load."""

    def __init__(self, ensemble):
        self.ensemble = ensemble
        for server in ensemble.IDS:
            path = ensemble.folder / str(server) / "zoo.cfg"
            limits = {"tickTime": 2000, "initLimit": 10, "syncLimit": 5}
            lines = [line for line in path.read_text().splitlines() if line.split("=")[0] not in limits]
            lines += [f"{key}={value}" for key, value in limits.items()]
            path.write_text("\n".join(lines) + "\n")
            ensemble.start(server)
        leader = eventually(ensemble.leader, "three servers that serve")
        ports = list(ensemble.client_ports.values())
        self.port = ensemble.client_ports[leader]
        self.others = [Connection(ports[number % 3], timeout_s=SESSION_S) for number in range(SESSIONS)]
        first = self.others[0]
        for path in (PATH, *(f"/watched-{number}" for number in range(WATCHES))):
            body = text(path) + struct.pack(">i", 1) + b"x" + OPEN + struct.pack(">i", 0)
            require(first.ask(CREATE, body)[0] == 0, f"create {path}")
        for one in self.others:
            one.ask(9, text("/"))
            for number in range(WATCHES):
                require(one.ask(GET_DATA, text(f"/watched-{number}") + b"\1")[0] == 0, "a watch")
        self.watcher = Connection(self.port, timeout_s=SESSION_S)
        error, _ = self.watcher.ask(ADD_WATCH, text(PATH) + struct.pack(">i", PERSISTENT))
        require(error == 0, f"addWatch: {error}")

    def turn(self, load, seconds):
        for one in [*self.others, self.watcher]:
            one.socket.setblocking(False)
            try:
                while one.socket.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass
            one.socket.setblocking(True)
            one.send(struct.pack(">ii", PING_XID, PING))
        _, clients, in_flight, reads = load
        before = self.used()
        rate, latencies = put_on(self.port, clients, in_flight, reads, seconds, self.watcher)
        return rate, latencies, (self.used() - before) / (rate * seconds) * 1e6

    def used(self):
        """Seconds of a processor that the servers have used."""
        used = 0
        for process in self.ensemble.processes.values():
            fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            used += int(fields[11]) + int(fields[12])
        return used / os.sysconf("SC_CLK_TCK")

    def failover(self):
        """Seconds from the kill of the leader to a write at another server."""
        leader = eventually(self.ensemble.leader, "three servers that serve")
        others = [port for server, port in self.ensemble.client_ports.items() if server != leader]
        begun = time.perf_counter()
        self.ensemble.kill(leader)
        turn = 0
        while True:
            turn += 1
            require(time.perf_counter() < begun + 60, "no write within 60 s")
            try:
                one = Connection(others[turn % 2], timeout_s=SESSION_S)
                if one.session:
                    one.socket.sendall(WRITE)
                    if one.receive() is not None:
                        took = time.perf_counter() - begun
                        one.close()
                        break
                one.close()
            except (OSError, struct.error):
                pass
            time.sleep(0.005)
        self.ensemble.start(leader)
        eventually(self.ensemble.leader, "three servers that serve")
        return took


def percentile(times, share):
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def row(name, rates, ratios, latencies, used):
    own, theirs = (statistics.median(side) for side in rates)
    ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    times = ["", ""]
    if latencies[0]:
        for number, share in enumerate((0.5, 0.99)):
            both = [percentile(sorted(side), share) for side in latencies]
            times[number] = f"{both[0]:.2f} / {both[1]:.2f}"
    cost = " / ".join(f"{statistics.median(side):.1f}" for side in used)
    print(f"| {name} | {own:,.0f} | {theirs:,.0f} | {ratio} | {times[0]} | {times[1]} | {cost} |", flush=True)


def compare(sides, options):
    for side in sides:
        # A JVM is slow at first.
        for load in options.loads:
            side.turn(load, options.warm)
    other = "before" if options.before else "Apache"
    print(f"| load | zab-server/s | {other}/s | ratio | p50 ms | p99 ms | CPU µs per answer |\n|---|---|---|---|---|---|---|")
    for load in options.loads:
        rates, ratios, latencies, used = ([], []), [], ([], []), ([], [])
        for turn in range(options.turns):
            order = (0, 1) if turn % 2 == 0 else (1, 0)
            found = {which: sides[which].turn(load, options.seconds) for which in order}
            for which in order:
                rates[which].append(found[which][0])
                latencies[which].extend(found[which][1])
                used[which].append(found[which][2])
            ratios.append(found[0][0] / found[1][0])
        row(load[0], rates, ratios, latencies, used)
    sizes = [max(memory(side.ensemble).values()) for side in sides]
    print(f"memory of the largest server, MB: {sizes[0]:.0f} / {sizes[1]:.0f}", flush=True)
    for side in sides:
        for one in [*side.others, side.watcher]:
            one.close()
    times = ([], [])
    for _ in range(options.failovers):
        for which, side in enumerate(sides):
            times[which].append(side.failover())
    if options.failovers:
        told = [f"{statistics.median(s):.2f} ({min(s):.2f} to {max(s):.2f})" for s in times]
        ratio = statistics.median(times[0]) / statistics.median(times[1])
        print(f"failover, s: {told[0]} / {told[1]}, ratio {ratio:.2f}", flush=True)


def main():
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    parser = Parser(description="three zab-servers beside three of Apache's")
    parser.add_argument("--server", default="target/release/zab-server", help="the binary")
    classpath = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-nop.jar"
    parser.add_argument("--before", help="another zab-server in place of Apache's")
    parser.add_argument("--load", type=int, action="append", help="this one of the loads, from 0")
    parser.add_argument("--classpath", default=classpath, help="Apache ZooKeeper")
    parser.add_argument("--turns", type=int, default=7, help="turns of each load")
    parser.add_argument("--seconds", type=float, default=2, help="length of a turn")
    parser.add_argument("--warm", type=float, default=3, help="seconds of each load before")
    parser.add_argument("--failovers", type=int, default=8)
    options = parser.parse_args()
    binary = pathlib.Path(options.server).resolve()
    options.loads = [LOADS[number] for number in options.load or range(len(LOADS))]
    other = options.before or options.classpath.split(":")[0]
    for path in (binary, pathlib.Path(other)):
        if not path.is_file():
            print(f"{path} is no file", file=sys.stderr)
            return 3
    with tempfile.TemporaryDirectory(prefix="zab-speed-") as folder:
        kinds = [(Ensemble, binary), (WarmApaches, options.classpath)]
        if options.before:
            kinds[1] = (Ensemble, pathlib.Path(options.before).resolve())
        ensembles = []
        try:
            for number, (kind, what) in enumerate(kinds):
                place = pathlib.Path(folder) / str(number)
                place.mkdir()
                ensembles.append(kind(what, place))
            compare([Side(one) for one in ensembles], options)
            print("load of the machine: %.1f, %.1f, %.1f" % os.getloadavg())
            return 0
        except (Failed, OSError) as failure:
            print(f"FAIL {failure!r}")
            for one in ensembles:
                one.logs()
            return 1
        finally:
            for one in ensembles:
                one.stop()


if __name__ == "__main__":
    sys.exit(main())
