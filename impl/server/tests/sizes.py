#!/usr/bin/env python3
"""Large states and floods of large writes against three zab-server processes.

    pip install kazoo==2.11.0
    cargo build --release -p zab-server
    python3 impl/server/tests/sizes.py --server target/release/zab-server snapshot
    python3 impl/server/tests/sizes.py --server target/release/zab-server flood
    python3 impl/server/tests/sizes.py --server target/release/zab-server strangers

snapshot: a follower is killed, misses more transactions than the leader keeps, and comes back; it
is sent the whole state. Meanwhile one client writes at the leader, one write at a time. Prints
how long the follower was away and the longest time between two answers.

flood: clients send large writes to all servers as fast as they are taken. Prints the memory of
each server (VmRSS) at its highest and a minute later.

strangers: connections that send most of a first frame of 1 MB; sessions that are opened with an
ephemeral node and left; clients that watch everything and read nothing, while another writes.
Prints the memory after each, and the longest time between two writes of another client.

Small by default, so that CI can run it; what is measured is limited only by --stall-max,
--peak-max and --after-max. Exits 0 if all holds, 1 if not, 3 on bad usage.
"""

import pathlib
import socket
import struct
import sys
import tempfile
import threading
import time

from ensemble import HOST, Ensemble, Failed, Parser, eventually, require

OPEN = struct.pack(">iii5si6s", 1, 31, 5, b"world", 6, b"anyone")
CREATE, SET, GET_CHILDREN, ADD_WATCH = 1, 5, 8, 106


def text(path):
    return struct.pack(">i", len(path)) + path.encode()


class Client:
    """A session that asks without waiting, and reads answers in order."""

    def __init__(self, port, timeout_ms=30_000):
        self.stream = socket.create_connection((HOST, port), timeout=120)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.xid = 0
        self.send(struct.pack(">iqiqi16sb", 0, 0, timeout_ms, 0, 16, bytes(16), 0))
        require(struct.unpack_from(">q", self.receive(), 8)[0] != 0, "no session")

    def send(self, *parts):
        self.stream.sendall(b"".join((struct.pack(">i", sum(map(len, parts))), *parts)))

    def take(self, length):
        parts = bytearray()
        while len(parts) < length:
            part = self.stream.recv(length - len(parts))
            if not part:
                raise ConnectionError("the server has closed the connection")
            parts += part
        return bytes(parts)

    def receive(self):
        return self.take(struct.unpack(">i", self.take(4))[0])

    def ask(self, op, *body):
        self.xid += 1
        self.send(struct.pack(">ii", self.xid, op), *body)

    def answer(self):
        return struct.unpack_from(">iqi", self.receive())[2]

    def create(self, path, data=b""):
        self.ask(CREATE, text(path), struct.pack(">i", len(data)), data, OPEN, struct.pack(">i", 0))

    def set(self, path, data):
        self.ask(SET, text(path), struct.pack(">i", len(data)), data, struct.pack(">i", -1))

    def done(self, what):
        error = self.answer()
        require(error == 0, f"{what}: error {error}")

    def close(self):
        self.stream.close()


class Stopwatch(threading.Thread):
    """Writes one by one at a server, and keeps the longest time between two answers."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.client = Client(port)
        self.client.create("/stopwatch")
        self.client.done("create")
        self.longest, self.writes, self.failure = 0.0, 0, None
        self.ending = threading.Event()

    def run(self):
        before = time.monotonic()
        try:
            while not self.ending.is_set():
                self.client.set("/stopwatch", b"x" * 100)
                self.client.done("set")
                now = time.monotonic()
                self.longest = max(self.longest, now - before)
                self.writes += 1
                before = now
        except (OSError, Failed) as failure:
            self.failure = failure

    def stop(self):
        self.ending.set()
        self.join()
        self.client.close()
        require(self.failure is None, f"the writer at the leader: {self.failure}")


def memory(ensemble):
    """MB of each server that runs."""
    sizes = {}
    for server, process in ensemble.processes.items():
        require(process.poll() is None, f"server {server} ended with {process.returncode}")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        sizes[server] = int(line.split()[1]) // 1024
    return sizes


def shown(sizes):
    return ", ".join(f"{server}: {size} MB" for server, size in sorted(sizes.items()))


def started(ensemble):
    for server in ensemble.IDS:
        ensemble.start(server)
    return eventually(ensemble.leader, "three servers that serve")


def snapshot(ensemble, options):
    leader = started(ensemble)
    behind = next(server for server in ensemble.IDS if server != leader)
    client = Client(ensemble.client_ports[leader])
    data = bytes(range(256)) * (options.bytes // 256 + 1)
    for number in range(options.nodes):
        client.create(f"/node-{number}", data[: options.bytes])
        if number >= 8:
            client.done("create")
    for _ in range(min(8, options.nodes)):
        client.done("create")
    ensemble.kill(behind)
    for _ in range(options.behind):
        client.set("/node-0", b"small")
    for _ in range(options.behind):
        client.done("set")
    print(f"ok   {options.nodes} nodes of {options.bytes} bytes, {options.behind} transactions behind")
    watch = Stopwatch(ensemble.client_ports[leader])
    watch.start()
    eventually(lambda: watch.writes > 100 or watch.failure, "a hundred writes before")
    before, watch.longest = watch.longest, 0.0
    begin = time.monotonic()
    ensemble.start(behind)
    eventually(lambda: ensemble.mode(behind), "the follower to serve", options.patience)
    away = time.monotonic() - begin
    eventually(lambda: memory(ensemble) and True, "all servers to run")
    watch.stop()
    print(f"ok   it serves after {away:.2f} s; memory {shown(memory(ensemble))}")
    print(f"ok   longest time between two writes at the leader {watch.longest:.3f} s ({before:.3f} s before)")
    last = Client(ensemble.client_ports[behind])
    last.create("/after")
    last.done("create at the follower")
    if options.stall_max is not None:
        require(watch.longest <= options.stall_max, f"longer than {options.stall_max} s")


def flood(ensemble, options):
    started(ensemble)
    empty = memory(ensemble)
    print(f"ok   three servers serve; memory {shown(empty)}")
    data = bytes(range(256)) * (options.bytes // 256 + 1)
    data = data[: options.bytes]
    ending, answered, failures = threading.Event(), [0] * options.clients, []

    def read(client, number):
        try:
            while True:
                client.done("set")
                answered[number] += 1
        except (OSError, Failed) as failure:
            if not ending.is_set():
                failures.append(failure)

    def write(client):
        try:
            while not ending.is_set():
                client.set("/flood", data)
        except OSError as failure:
            if not ending.is_set():
                failures.append(failure)

    first = Client(ensemble.client_ports[1])
    first.create("/flood")
    first.done("create")
    watch = Stopwatch(ensemble.client_ports[1])
    clients = [
        Client(ensemble.client_ports[ensemble.IDS[number % 3]]) for number in range(options.clients)
    ]
    watch.start()
    threads = []
    for number, client in enumerate(clients):
        threads.append(threading.Thread(target=read, args=(client, number), daemon=True))
        threads.append(threading.Thread(target=write, args=(client,), daemon=True))
    for thread in threads:
        thread.start()
    peak = dict(empty)
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        for server, size in memory(ensemble).items():
            peak[server] = max(peak[server], size)
        ending.wait(0.1)
    ending.set()
    for client in clients:
        client.stream.shutdown(socket.SHUT_RDWR)
    require(not failures, f"a client failed: {failures[:3]}")
    eventually(ensemble.leader, "all servers to serve")
    watch.stop()
    print(
        f"ok   {options.clients} clients, {options.bytes} bytes, {options.seconds} s: "
        f"{sum(answered)} answers, another client waited {watch.longest:.2f} s at most"
    )
    begin = time.monotonic()
    least = memory(ensemble)
    while time.monotonic() - begin < options.after:
        now = memory(ensemble)
        for server, size in now.items():
            peak[server] = max(peak[server], size)
        threading.Event().wait(0.2)
        if options.after_max is not None and max(now.values()) <= options.after_max:
            break
    least = memory(ensemble)
    print(f"ok   memory at its highest {shown(peak)}")
    print(f"ok   memory after {time.monotonic() - begin:.0f} s {shown(least)}")
    if options.peak_max is not None:
        require(max(peak.values()) <= options.peak_max, f"more than {options.peak_max} MB")
    if options.after_max is not None:
        require(max(least.values()) <= options.after_max, f"more than {options.after_max} MB stay")


def strangers(ensemble, options):
    started(ensemble)
    peak = {"": memory(ensemble)}
    port = ensemble.client_ports[1]
    watch = Stopwatch(port)
    watch.start()
    unfinished = []
    for _ in range(options.connections):
        one = socket.create_connection((HOST, port), timeout=60)
        try:
            one.sendall(struct.pack(">i", 1_000_000))
            one.sendall(b"x" * 999_000)
        except OSError:
            pass  # it is refused as soon as its length is known
        unfinished.append(one)
    peak[f"{options.connections} unfinished first frames of 1 MB"] = memory(ensemble)
    for one in unfinished:
        one.close()
    client = Client(port)
    client.create("/left")
    client.done("create")
    for number in range(options.sessions):
        left = Client(port, timeout_ms=1000)
        left.ask(CREATE, text(f"/left/{number}"), struct.pack(">i", 0), OPEN, struct.pack(">i", 1))
        left.done("create of an ephemeral node")
        left.stream.close()
    peak[f"{options.sessions} sessions opened and left"] = memory(ensemble)

    # The first one has said nothing for long.
    client = Client(port)

    def none_left():
        client.ask(GET_CHILDREN, text("/left"), b"\0")
        return struct.unpack_from(">i", client.receive(), 16)[0] == 0

    eventually(none_left, "sessions that were left to expire")
    deaf = [Client(port) for _ in range(options.watchers)]
    for one in deaf:
        # Persistent and recursive.
        one.ask(ADD_WATCH, text("/"), struct.pack(">i", 1))
    for number in range(options.events):
        client.set("/left", b"x")
        if number >= 500:
            client.done("set")
    for _ in range(min(500, options.events)):
        client.done("set")
    peak[f"{options.watchers} watchers that read nothing, {options.events} events"] = memory(ensemble)
    watch.stop()
    for what, sizes in peak.items():
        print(f"ok   {what or 'before'}: {shown(sizes)}")
    print(f"ok   {watch.writes} other writes, the longest took {watch.longest:.2f} s")
    if options.peak_max is not None:
        highest = max(size for sizes in peak.values() for size in sizes.values())
        require(highest <= options.peak_max, f"{highest} MB, more than {options.peak_max}")


def main():
    parser = Parser(description="sizes and floods against three zab-server processes")
    parser.add_argument("--server", default="target/debug/zab-server", help="the binary")
    parser.add_argument("--config", action="append", default=[], help="a line for zoo.cfg")
    parts = parser.add_subparsers(dest="part", required=True)
    large = parts.add_parser("snapshot")
    large.add_argument("--nodes", type=int, default=30)
    large.add_argument("--bytes", type=int, default=1_000_000)
    large.add_argument("--behind", type=int, default=700)
    large.add_argument("--patience", type=float, default=120)
    large.add_argument("--stall-max", type=float, help="seconds")
    many = parts.add_parser("flood")
    many.add_argument("--clients", type=int, default=20)
    many.add_argument("--bytes", type=int, default=1_000_000)
    many.add_argument("--seconds", type=float, default=3)
    many.add_argument("--after", type=float, default=60, help="seconds until memory is back")
    many.add_argument("--peak-max", type=int, help="MB of one server")
    many.add_argument("--after-max", type=int, help="MB of one server")
    strange = parts.add_parser("strangers")
    strange.add_argument("--connections", type=int, default=400)
    strange.add_argument("--sessions", type=int, default=500)
    strange.add_argument("--watchers", type=int, default=50)
    strange.add_argument("--events", type=int, default=20_000)
    strange.add_argument("--peak-max", type=int, default=400, help="MB of one server")
    options = parser.parse_args()
    binary = pathlib.Path(options.server).resolve()
    if not binary.is_file():
        print(f"{options.server} is no file: cargo build -p zab-server", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="zab-sizes-") as folder:
        ensemble = Ensemble(binary, folder)
        for server in ensemble.IDS:
            with open(ensemble.folder / str(server) / "zoo.cfg", "a") as config:
                config.writelines(f"{line}\n" for line in options.config)
        try:
            {"snapshot": snapshot, "flood": flood, "strangers": strangers}[options.part](ensemble, options)
            return 0
        except (Failed, OSError) as failure:
            print(f"FAIL {failure}")
            ensemble.logs()
            return 1
        finally:
            ensemble.stop()


if __name__ == "__main__":
    sys.exit(main())
