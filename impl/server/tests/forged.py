#!/usr/bin/env python3
"""Forged votes and epochs against three server processes, of this project or of Apache ZooKeeper.

    cargo build -p zab-server
    python3 impl/server/tests/forged.py [--server target/debug/zab-server]
    python3 impl/server/tests/forged.py --apache /usr/share/java/zookeeper.jar

Each row of the table forges one field of one message, at a moment when the servers look for a
leader or when they have one, and sends it once in the name of every other server. Then the leader
is killed, then all are restarted. A row holds if a write at every live server succeeds within
LIMIT_S each time. Every row has an ensemble of its own. Prints a line for each row: the times until
the writes succeeded after the message, without the leader, and after the restart. Exits 0 if all
rows hold, 1 if one does not, 3 on bad usage.

--rows N tries every N-th row only.
"""

import argparse
import contextlib
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

TICK_MS = 2000
INIT_LIMIT = 10
SYNC_LIMIT = 5
LIMIT_S = 10
GIVE_UP_S = 40
IDS = (1, 2, 3)
MAX63, MAX32, MAX31 = (1 << 63) - 1, (1 << 32) - 1, (1 << 31) - 1

VALUES = {
    "round": [0, 1, MAX63 - 2, MAX63 - 1, MAX63, -1],
    "vote zxid": [0, 1, MAX63 - 2, MAX63 - 1, MAX63, -1],
    "vote epoch": [0, 1, MAX31 - 2, MAX31 - 1, MAX31, MAX32 - 2, MAX32 - 1, MAX32, MAX63, -1],
    "FOLLOWERINFO": [0, 1, MAX31 - 2, MAX31 - 1, MAX31, MAX32 - 2, MAX32 - 1, MAX32],
    "ACKEPOCH epoch": [0, 1, MAX31 - 2, MAX31 - 1, MAX31, -3, -2, -1],
    "ACKEPOCH zxid": [0, 1, MAX63 - 2, MAX63 - 1, MAX63, -1],
}
VOTES = ("round", "vote zxid", "vote epoch")
LEARNERS = ("FOLLOWERINFO", "ACKEPOCH epoch", "ACKEPOCH zxid")


def free_ports(count):
    """Ports that are free, and that the system gives to no outgoing connection by itself."""
    ports = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            port = random.randrange(12000, 32000)
            try:
                held.enter_context(socket.socket()).bind(("", port))
                ports.append(port)
            except OSError:
                pass
    return ports


class Ensemble:
    def __init__(self, folder, command):
        self.folder, self.command, self.running = folder, command, {}
        ports = free_ports(9)
        self.ports = {id: ports[3 * i:3 * i + 3] for i, id in enumerate(IDS)}
        for id in IDS:
            home = folder / str(id)
            home.mkdir()
            (home / "myid").write_text(str(id))
            servers = "".join(
                f"server.{n}=127.0.0.1:{p[1]}:{p[2]}\n" for n, p in self.ports.items())
            (home / "zoo.cfg").write_text(
                f"dataDir={home}\nclientPort={self.ports[id][0]}\ntickTime={TICK_MS}\n"
                f"initLimit={INIT_LIMIT}\nsyncLimit={SYNC_LIMIT}\n"
                f"4lw.commands.whitelist=srvr,ruok\nadmin.enableServer=false\n{servers}")

    def start(self, id):
        home = self.folder / str(id)
        with open(home / "out", "ab") as out:
            self.running[id] = subprocess.Popen(
                self.command + [str(home / "zoo.cfg")], stdout=out, stderr=out)

    def kill(self, id):
        process = self.running.pop(id)
        process.kill()
        process.wait()

    def word(self, id, word):
        try:
            with socket.create_connection(("127.0.0.1", self.ports[id][0]), 2) as s:
                s.sendall(word)
                return s.makefile("rb").read().decode(errors="replace")
        except OSError:
            return ""

    def leader(self):
        for id in self.running:
            if "Mode: leader" in self.word(id, b"srvr"):
                return id
        return None

    def write(self, id, path):
        """Whether a create is acknowledged, or the node was there."""
        def frame(body):
            return struct.pack(">i", len(body)) + body

        def text(value):
            return struct.pack(">i", len(value)) + value

        try:
            with socket.create_connection(("127.0.0.1", self.ports[id][0]), 2) as s:
                s.settimeout(5)
                reader = s.makefile("rb")
                s.sendall(frame(struct.pack(">iqiq", 0, 0, 10000, 0) + text(bytes(16)) + b"\0"))
                greeting = reader.read(struct.unpack(">i", reader.read(4))[0])
                if struct.unpack(">q", greeting[8:16])[0] == 0:
                    return False
                acl = struct.pack(">ii", 1, 31) + text(b"world") + text(b"anyone")
                s.sendall(frame(struct.pack(">ii", 1, 1) + text(path) + text(b"x") + acl
                                + struct.pack(">i", 0)))
                answer = reader.read(struct.unpack(">i", reader.read(4))[0])
                return struct.unpack(">i", answer[12:16])[0] in (0, -110)
        except (OSError, struct.error):
            return False

    def serves(self, path):
        """Seconds until a write at every live server succeeds; None if they never do."""
        begin = time.monotonic()
        missing = set(self.running)
        while time.monotonic() - begin < GIVE_UP_S:
            missing -= {id for id in missing if self.write(id, path)}
            if not missing and self.leader() is not None:
                return time.monotonic() - begin
            time.sleep(0.05)
        return None

    def poll(self, condition):
        """Asks until the answer is yes."""
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline:
            answer = condition()
            if answer:
                return answer
            time.sleep(0.01)
        raise RuntimeError(f"nothing to attack in {GIVE_UP_S} s")

    def stop(self):
        for id in list(self.running):
            self.kill(id)


def vote(name, field, value):
    address = b"127.0.0.1:1"
    first = struct.pack(">qqi", -65536, name, len(address)) + address
    fields = {"round": 2, "vote zxid": 1 << 32 | 1, "vote epoch": 1, field: value}
    config = b"version=0"
    body = struct.pack(">iqqqqii", 0, name, fields["vote zxid"], fields["round"],
                       fields["vote epoch"], 2, len(config)) + config
    return first + struct.pack(">i", len(body)) + body


def packet(kind, zxid, data):
    length = len(data) if data is not None else -1
    return struct.pack(">iqi", kind, zxid, length) + (data or b"") + struct.pack(">i", -1)


def signed(zxid):
    return zxid - (1 << 64) if zxid >= 1 << 63 else zxid


def learner(name, field, value):
    epoch = value if field == "FOLLOWERINFO" else 1
    info = packet(11, signed(epoch << 32), struct.pack(">qiq", name, 0x10000, 0))
    if field == "FOLLOWERINFO":
        return info
    current = value if field == "ACKEPOCH epoch" else 1
    last = value if field == "ACKEPOCH zxid" else 0
    return info + packet(18, last, struct.pack(">i", current)) + packet(3, 1 << 32, None)


def attack(ensemble, field, value, targets):
    """Sends the message in the name of every other server. The connections, still open."""
    sent = []
    for id in targets if field != "nothing" else ():
        _, quorum, election = ensemble.ports[id]
        for name in IDS:
            if name == id:
                continue
            is_vote = field in VOTES
            content = (vote if is_vote else learner)(name, field, value)
            try:
                s = socket.create_connection(("127.0.0.1", election if is_vote else quorum), 2)
                s.sendall(content)
                sent.append(s)
            except OSError:
                pass
    return sent


def row(folder, command, moment, field, value):
    """The three times."""
    ensemble = Ensemble(folder, command)
    try:
        for id in IDS:
            ensemble.start(id)
        if ensemble.serves(b"/before") is None:
            raise RuntimeError("the ensemble never served before anything was forged")
        if moment == "settled":
            held = attack(ensemble, field, value, IDS)
        elif field in LEARNERS:
            # Only a leader listens: the message comes as soon as one is elected.
            leader = ensemble.leader()
            ensemble.kill(leader)
            held = ensemble.poll(lambda: attack(ensemble, field, value, list(ensemble.running)))
            ensemble.start(leader)
        else:
            # A server that is alone looks for a leader for as long as it is.
            ensemble.stop()
            ensemble.start(1)
            ensemble.poll(lambda: "imok" in ensemble.word(1, b"ruok"))
            held = attack(ensemble, field, value, [1])
            ensemble.start(2)
            ensemble.start(3)
        times = [ensemble.serves(b"/after")]
        for one in held:
            one.close()
        leader = ensemble.leader()
        if leader is not None:
            ensemble.kill(leader)
        times.append(ensemble.serves(b"/without"))
        ensemble.stop()
        for id in IDS:
            ensemble.start(id)
        times.append(ensemble.serves(b"/restarted"))
        return times
    finally:
        ensemble.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default="target/debug/zab-server")
    parser.add_argument("--apache", metavar="CLASSPATH", help="Apache ZooKeeper instead")
    parser.add_argument("--rows", type=int, default=1)
    options = parser.parse_args()
    if options.apache:
        command = ["java", "-Xmx256m", "-cp", options.apache,
                   "org.apache.zookeeper.server.quorum.QuorumPeerMain"]
        usable = shutil.which("java") and pathlib.Path(options.apache.split(":")[0]).exists()
    else:
        command = [options.server]
        usable = pathlib.Path(options.server).is_file()
    if not usable or options.rows < 1:
        print("nothing to run: " + " ".join(command), file=sys.stderr)
        return 3
    moments = ("looking", "settled")
    table = [(moment, field, value) for moment in moments
             for field, values in VALUES.items() for value in values]
    failed = 0
    # First, what the machine does without any forged message.
    chosen = [(moment, "nothing", 0) for moment in moments] + table[::options.rows]
    for moment, field, value in chosen:
        with tempfile.TemporaryDirectory() as folder:
            times = row(pathlib.Path(folder), command, moment, field, value)
        holds = all(t is not None and t <= LIMIT_S for t in times)
        failed += not holds
        shown = " ".join("never" if t is None else f"{t:5.1f}" for t in times)
        print(f"{'holds' if holds else 'FAILS'}  {moment:8} {field:15} {value:20}  {shown}",
              flush=True)
    print(f"{failed} of {len(chosen)} rows fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
