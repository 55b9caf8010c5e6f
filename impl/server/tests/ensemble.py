"""What the scripts beside this one share: servers in a temporary folder, clients of them, and
conditions that are polled until a deadline."""

import argparse
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

try:
    from kazoo import exceptions as errors
    from kazoo.client import KazooClient
except ImportError:
    print("kazoo is missing: pip install kazoo==2.11.0", file=sys.stderr)
    sys.exit(3)

TICK_MS = 500
# Least session timeout: two ticks.
SESSION_S = 2 * TICK_MS / 1000
# Limits against a hang; no machine is so slow. Where a hang is what is looked for, less is enough.
DEADLINE_S = float(os.environ.get("ZAB_DEADLINE_S", "600"))
CALL_TIMEOUT_S = 300
HOST = "127.0.0.1"


class Failed(Exception):
    """A check does not hold."""


def require(condition, message):
    if not condition:
        raise Failed(message)


def eventually(condition, what, deadline_s=DEADLINE_S):
    """Polls until `condition` gives something true, and returns that."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {deadline_s} s: {what}")
        pause.wait(0.02)


def refused(error, call, *arguments, **named):
    """The call must fail with exactly this error."""
    try:
        result = call(*arguments, **named)
    except errors.KazooException as got:
        require(type(got) is error, f"{call.__name__}{arguments}: {got!r}, expected {error}")
    else:
        raise Failed(f"{call.__name__}{arguments} gave {result!r}, expected {error}")


def reserve(count):
    """Sockets that hold a free port each, and do not listen: nobody else is given the port, and a
    server that asks for it with SO_REUSEADDR gets it. They are bound at all addresses, so that no
    socket has the port at any other address either."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("0.0.0.0", 0))
    return sockets


class Ensemble:
    """Three server processes with data in a temporary folder."""

    IDS = (1, 2, 3)
    # Where the servers' traces go, if anywhere.
    traces = None

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = pathlib.Path(folder)
        self.reserved = reserve(9)
        ports = iter([one.getsockname()[1] for one in self.reserved])
        self.client_ports = {server: next(ports) for server in self.IDS}
        lines = [f"server.{server}={HOST}:{next(ports)}:{next(ports)}" for server in self.IDS]
        self.processes = {}
        for server in self.IDS:
            data = self.folder / str(server)
            data.mkdir()
            (data / "myid").write_text(f"{server}\n")
            config = [
                f"tickTime={TICK_MS}",
                "initLimit=40",
                "syncLimit=40",
                f"dataDir={data}",
                f"clientPort={self.client_ports[server]}",
                f"clientPortAddress={HOST}",
                "maxClientCnxns=0",
                "4lw.commands.whitelist=srvr, ruok",
                *lines,
            ]
            (data / "zoo.cfg").write_text("\n".join(config) + "\n")

    def start(self, server):
        data = self.folder / str(server)
        log = open(data / "log.txt", "ab")
        command = [self.binary, data / "zoo.cfg"]
        if self.traces:
            command += ["--trace", self.traces]
        self.processes[server] = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()

    def conform(self, zabcheck):
        """When all servers have stopped: their traces must conform. Returns what the command says."""
        lives = sorted(self.traces.glob("server-*.ndjson"))
        header, killed = None, []
        for path in lives:
            lines = path.read_bytes().splitlines(keepends=True)
            # A kill may leave half a line.
            lines = [json.loads(line) for line in lines if line.endswith(b"\n")]
            header = header or lines[0]
            last = lines[-1]
            if len(lines) > 1 and last["event"] != "Stop":
                event = {key: last[key] for key in ("server", "incarnation")}
                end = [["main", last["seq"]]]
                killed.append({**event, "seq": 0, "chain": "harness", "after": end, "event": "Killed"})
        own = {"source": "harness", "implementation": {"name": "kazoo_ops.py", "version": "1"}}
        with open(self.traces / "harness.ndjson", "w") as harness:
            for line in ({**header, **own}, *killed):
                harness.write(json.dumps(line) + "\n")
        done = subprocess.run([zabcheck, "conform", self.traces], capture_output=True, text=True)
        require(done.returncode == 0, f"conform exits {done.returncode}:\n{done.stdout}{done.stderr}")
        return f"{len(lives)} lives, {len(killed)} of them killed, conform"

    def kill(self, server):
        process = self.processes.pop(server)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def word(self, server, word):
        """What a server answers to a four-letter word; None if it is not there."""
        try:
            with socket.create_connection((HOST, self.client_ports[server]), timeout=5) as one:
                one.sendall(word.encode())
                parts = []
                while part := one.recv(4096):
                    parts.append(part)
            return b"".join(parts).decode()
        except OSError:
            return None

    def mode(self, server):
        for line in (self.word(server, "srvr") or "").splitlines():
            if line.startswith("Mode: "):
                return line.removeprefix("Mode: ")
        return None

    def leader(self):
        """The server that leads, once every server that runs serves."""
        for server, process in self.processes.items():
            require(process.poll() is None, f"server {server} ended with {process.returncode}")
        modes = {server: self.mode(server) for server in self.processes}
        if sorted(modes.values(), key=str) != ["follower"] * (len(modes) - 1) + ["leader"]:
            return None
        return next(server for server, mode in modes.items() if mode == "leader")

    def hosts(self, *servers):
        return ",".join(f"{HOST}:{self.client_ports[server]}" for server in servers or self.IDS)

    def logs(self):
        """The end of each server's log, for a failure's report."""
        for server in self.IDS:
            path = self.folder / str(server) / "log.txt"
            if path.exists():
                tail = path.read_text(errors="replace").splitlines()[-15:]
                print(f"--- server {server}\n" + "\n".join(tail), file=sys.stderr)


class Connection:
    """A client of a few lines, for what kazoo does not do."""

    def __init__(self, port, last_zxid=0, session=0, password=bytes(16), timeout_s=SESSION_S):
        self.socket = socket.create_connection((HOST, port), timeout=CALL_TIMEOUT_S)
        head = struct.pack(">iqiqi", 0, last_zxid, int(timeout_s * 1000), session, len(password))
        self.send(head + password + b"\0")
        answer = self.receive()
        self.session = None
        if answer is not None:
            _, self.timeout, self.session, length = struct.unpack(">iiqi", answer[:20])
            self.password = answer[20 : 20 + length]

    def send(self, content):
        self.socket.sendall(struct.pack(">i", len(content)) + content)

    def receive(self):
        """One frame; None if the connection ended."""
        head = self.read(4)
        return None if head is None else self.read(struct.unpack(">i", head)[0])

    def read(self, length):
        parts = b""
        while len(parts) < length:
            try:
                part = self.socket.recv(length - len(parts))
            except ConnectionResetError:
                part = b""
            if not part:
                return None
            parts += part
        return parts

    def ask(self, op, body, xid=1):
        """The error number of the answer, and its record."""
        self.send(struct.pack(">ii", xid, op) + body)
        answer = self.receive()
        require(answer is not None, f"operation {op} ended the connection")
        got, _, error = struct.unpack(">iqi", answer[:16])
        require(got == xid, f"answer to {got}, not to {xid}")
        return error, answer[16:]

    def close(self):
        self.socket.close()


def connect(ensemble, *servers):
    client = KazooClient(hosts=ensemble.hosts(*servers), timeout=10)
    client.start(timeout=CALL_TIMEOUT_S)
    return client


def stop(client):
    client.stop()
    client.close()


class Parser(argparse.ArgumentParser):
    """Bad usage exits 3, as everywhere in this project."""

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(3, f"{self.prog}: {message}\n")
