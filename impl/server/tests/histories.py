#!/usr/bin/env python3
"""What clients are told while servers are killed and frozen, judged by zabcheck history.

    pip install kazoo==2.11.0
    cargo build --release -p zab-server && cargo build --release
    python3 impl/server/tests/histories.py [zxids] [stale] [kills] [power] [--apache CLASSPATH]
    python3 impl/server/tests/histories.py kills --rounds 200 --conform --beside CLASSPATH
    python3 impl/server/tests/histories.py power --rounds 40 --conform

zxids: clients at all servers write one node, sync, read and ping, all pipelined. The answer to a write has
the write's own zxid, as its stat says, and no client is told a smaller zxid than before.
stale: client 1 changes a node and tells client 2 by another way; client 2 reads it at a follower
that is frozen meanwhile. Sooner or later it reads the old data, which ZooKeeper allows; after a
sync it never does. The check must accept that and show it.
kills: clients create, set, read, watch, sync and delete at random, pipelined and not, while servers
(one, the leader, or all) get SIGKILL and come back. Every promise must be kept, and with --conform the
traces of all lives conform. Prints how long it took until all served again; with --beside it does the
same with Apache's servers afterwards, and what is violated there is told: a leader that has just lost
its role may answer a sync with old data.
power: the same, and with each SIGKILL the disk loses what was not synced (see power.py). With --lying
no sync of a log has any effect, and the check must find that something is lost.

Three servers each: zab-server's, or with --apache those of Apache ZooKeeper. Exits 0 if all holds,
1 if not, 3 on bad usage.
"""

import logging
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

from ensemble import CALL_TIMEOUT_S, Connection, Ensemble, Failed, Parser, eventually, require, stop
from power import Powered
from sizes import OPEN, text

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "conformance/history/emitters"))

from kazoo.exceptions import KazooException  # noqa: E402
from kazoo.handlers.threading import KazooTimeoutError  # noqa: E402
from kazoo_history import RecordedClient, Recorder  # noqa: E402

GET_DATA, SET_DATA, SYNC, PING = 4, 5, 9, 11
EVENT_XID, PING_XID = -1, -2
MAIN_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


class Apaches(Ensemble):
    """The same with Apache's servers."""

    def start(self, server):
        data = self.folder / str(server)
        command = ["java", "-Xmx256m", "-Dzookeeper.admin.enableServer=false", "-cp", self.binary]
        with open(data / "log.txt", "ab") as log:
            self.processes[server] = subprocess.Popen(
                [*command, MAIN_CLASS, data / "zoo.cfg"], stdout=log, stderr=log
            )


def connected(recorder, number, hosts):
    client = RecordedClient(recorder, number, hosts, timeout=10, randomize_hosts=False)
    client.start(timeout=CALL_TIMEOUT_S)
    return client


def judged(options, history, expected, may_violate=False):
    """The check's words; it must accept the history, unless it is one of which that is not asked."""
    done = subprocess.run([options.zabcheck, "history", history], capture_output=True, text=True)
    is_told = may_violate and done.returncode == 1
    expected = "VIOLATES" if is_told else expected
    require(is_told or done.returncode == 0, f"zabcheck history exits {done.returncode}:\n{done.stdout}{done.stderr}")
    require(expected in done.stdout, f"no {expected!r} in\n{done.stdout}")
    return [line for line in done.stdout.splitlines() if not line.startswith(("┌", "│", "├", "└", "─"))]


def zxids(ensemble, options, _history):
    """The zxids of answers, where much is applied between a write and its answer."""
    eventually(ensemble.leader, "a leader")
    count, told = 300, 0
    # A machine that holds this program up must not cost it its sessions.
    ports = [ensemble.client_ports[server] for server in ensemble.IDS for _ in "12"]
    clients = [Connection(port, timeout_s=CALL_TIMEOUT_S) for port in ports]
    error, _ = clients[0].ask(1, text("/z") + struct.pack(">i", 1) + b"0" + OPEN + struct.pack(">i", 0))
    require(error == 0, f"create: {error}")
    for one in clients:
        one.ask(SYNC, text("/z"))
    requests = [
        (SET_DATA, text("/z") + struct.pack(">i", 1) + b"x" + struct.pack(">i", -1)),
        (SET_DATA, text("/z") + struct.pack(">i", 1) + b"y" + struct.pack(">i", -1)),
        (SYNC, text("/z")),
        (SET_DATA, text("/none") + struct.pack(">i", 1) + b"x" + struct.pack(">i", -1)),
        (GET_DATA, text("/z") + b"\1"),
        (PING, b""),
    ]
    rng = random.Random(options.seed)
    chosen = [rng.choice(requests) for _ in range(count)]
    for op, body in chosen:
        for one in clients:
            one.send(struct.pack(">ii", PING_XID if op == PING else op, op) + body)
    for one in clients:
        last, answers = 0, 0
        while answers < count:
            xid, zxid, error = struct.unpack(">iqi", (frame := one.receive())[:16])
            if xid == EVENT_XID:
                # Apache's has none before 3.9.
                require(zxid == -1 or zxid >= last, f"an event of 0x{zxid:x} after 0x{last:x}")
                last = max(last, zxid)
                continue
            answers += 1
            require(zxid >= last, f"the answer to {xid} has 0x{zxid:x}, and 0x{last:x} was told before")
            last = zxid
            if xid == SET_DATA and error == 0:
                (mzxid,) = struct.unpack(">q", frame[24:32])
                require(zxid == mzxid, f"the answer to the write 0x{mzxid:x} has 0x{zxid:x}")
                told += 1
        one.close()
    print(f"ok   zxids: {told} writes answered with their own, {count * len(clients)} answers in order")


def stale(ensemble, options, history):
    """Reads at a follower that is behind."""
    leader = eventually(ensemble.leader, "a leader")
    follower = next(server for server in ensemble.IDS if server != leader)
    process = ensemble.processes[follower]
    seen, rounds = 0, 0
    with Recorder(history) as recorder:
        writer = connected(recorder, 1, ensemble.hosts(leader))
        reader = connected(recorder, 2, ensemble.hosts(follower))
        writer.create("/z", b"0")
        reader.sync("/z")
        for rounds in range(1, options.rounds_max + 1):
            os.kill(process.pid, signal.SIGSTOP)
            try:
                writer.set("/z", str(rounds).encode())
                # The writer has been told; the reader asks only now.
                read = reader.get_async("/z")
            finally:
                os.kill(process.pid, signal.SIGCONT)
            old = read.get(timeout=CALL_TIMEOUT_S)[0] != str(rounds).encode()
            seen += old
            reader.sync("/z")
            require(reader.get("/z")[0] == str(rounds).encode(), "old data after a sync")
            if seen >= 3:
                break
        for client in (writer, reader):
            client.stop()
    require(seen > 0, f"no stale read in {rounds} rounds")
    words = judged(options, history, "reads are behind what another client had been told")
    print(f"ok   stale: {seen} of {rounds} reads were old, none after a sync\n     " + "\n     ".join(words))


def work(recorder, number, hosts, seed, goes_on, clients):
    """One client's random operations. The client is put into `clients`."""
    rng = random.Random(seed)
    client = connected(recorder, number, hosts)
    clients.append(client)
    paths = [f"/h/{name}" for name in "abc"]
    count = 0

    def one():
        nonlocal count
        count += 1
        path, data = rng.choice(paths), f"{number}-{count}".encode()
        kind = rng.randrange(10)
        watch = (lambda event: None) if rng.random() < 0.3 else None
        if kind == 0:
            return client.create_async(path, data, ephemeral=rng.random() < 0.3, include_data=True)
        if kind == 1:
            return client.create_async(path + "-", data, ephemeral=True, sequence=True, include_data=True)
        if kind == 2:
            return client.delete_async(path)
        if kind in (3, 4):
            return client.set_async(path, data)
        if kind == 5:
            transaction = client.transaction()
            transaction.set_data(path, data)
            transaction.set_data(rng.choice(paths), data)
            return transaction.commit_async()
        if kind == 6:
            return client.sync_async(path)
        if kind == 7:
            return client.exists_async(path, watch=watch)
        if kind == 8:
            return client.get_children_async("/h", watch=watch, include_data=True)
        return client.get_async(path, watch=watch)

    while goes_on():
        asked = [one() for _ in range(rng.choice([1, 1, 1, 8]))]
        for answer in asked:
            try:
                answer.get(timeout=CALL_TIMEOUT_S)
            except KazooException:
                # Errors and lost connections are in the history; a lost one is waited for.
                if not client.connected:
                    client._live.wait(1)
    client.stop()
    client.close()


# Of the times that recoveries took, which are told.
SHARES = (0, 50, 90, 99, 100)


def kills(ensemble, options, history):
    """Random operations and SIGKILL."""
    leader = eventually(ensemble.leader, "a leader")
    rng = random.Random(options.seed)
    rounds, killed, recovered = 0, 0, []
    lying = getattr(ensemble, "lying", False)
    clients, ending = [], threading.Event()
    end = time.monotonic() + options.seconds
    goes_on = lambda: rounds < options.rounds if options.rounds else time.monotonic() < end
    with Recorder(history, note=f"seed {options.seed}") as recorder:
        first = connected(recorder, 0, ensemble.hosts())
        first.create("/h")
        first.stop()
        threads = []
        for number in range(1, options.clients + 1):
            hosts = list(ensemble.IDS)
            rng.shuffle(hosts)
            alive = lambda: not ending.is_set()
            arguments = (recorder, number, ensemble.hosts(*hosts), rng.random(), alive, clients)
            threads.append(threading.Thread(target=work, args=arguments, daemon=True))
            threads[-1].start()
        pause = threading.Event()
        probe = None
        if isinstance(ensemble, Powered):
            probe = connected(recorder, options.clients + 1, ensemble.hosts())
        try:
            while goes_on():
                pause.wait(rng.uniform(0.5, 1.5))
                victims = rng.choice([[rng.choice(ensemble.IDS)], [leader], ensemble.IDS])
                if lying:
                    # While a quorum stays up, it has everything in memory.
                    victims = ensemble.IDS
                if isinstance(ensemble, Powered):
                    acknowledge(probe, rounds)
                    ensemble.cut(victims, rng)
                else:
                    for server in victims:
                        ensemble.kill(server)
                rounds, killed = rounds + 1, killed + len(victims)
                begin = time.monotonic()
                for server in victims:
                    ensemble.start(server)
                leader = eventually(ensemble.leader, "a whole ensemble")
                recovered.append(time.monotonic() - begin)
                if lying:
                    # No server takes a client that has seen more than the server has.
                    stop(probe)
                    probe = connected(recorder, options.clients + 1 + rounds, ensemble.hosts())
                if probe:
                    acknowledge(probe, rounds, again=True)
        finally:
            ending.set()
            if probe:
                stop(probe)
            for client in clients if lying else []:
                # It would wait for such a server for ever.
                client.stop()
            for thread in threads:
                thread.join(timeout=CALL_TIMEOUT_S)
            require(not any(thread.is_alive() for thread in threads), "a client does not come to its end")
        last = connected(recorder, 0, ensemble.hosts())
        try:
            last.sync("/h")
            children = last.get_children("/h")
        except KazooException:
            require(lying, "the node of all clients is lost")
            children = []  # The history has that it is gone.
        for child in children:
            try:
                last.get(f"/h/{child}")
            except KazooException:
                pass  # An ephemeral node that has ended meanwhile; the history has it.
        last.stop()
    if lying:
        return found_out(options, history)
    # A leader of Apache's answers a sync without asking a quorum whether it still leads.
    words = judged(options, history, "CONFORMS", isinstance(ensemble, Apaches))
    print(f"ok   {killed} SIGKILLs in {rounds} rounds\n     " + "\n     ".join(words))
    if isinstance(ensemble, Powered):
        lost = ", ".join(f"{count} {what}" for what, count in ensemble.lost.items())
        print(f"     power cuts took {lost} that were not synced")
        require(sum(ensemble.lost.values()) > 0, "no power cut took anything: they were no power cuts")
    recovered.sort()
    shares = [f"{share} %: {recovered[(len(recovered) - 1) * share // 100]:.2f}" for share in SHARES]
    print(f"     all three serve again after, s: {', '.join(shares)}")
    if ensemble.traces:
        ensemble.stop()
        print(f"     {ensemble.conform(options.zabcheck)}")


def acknowledge(probe, number, again=False):
    """A write that is acknowledged directly before the power is cut; `again`: it is read afterwards."""
    for _ in range(3):
        try:
            if again:
                probe.sync_async("/h").get(timeout=10)
                probe.get_async(f"/h/probe-{number - 1}").get(timeout=10)
            else:
                probe.create_async(f"/h/probe-{number}", b"%d" % number, include_data=True).get(timeout=10)
            return
        except (KazooException, KazooTimeoutError):
            # Also that it is not there, or is already: the history has the answers.
            probe._live.wait(5)


def found_out(options, history):
    """A disk that lies must show in what clients were told."""
    done = subprocess.run([options.zabcheck, "history", history], capture_output=True, text=True)
    require(done.returncode == 1, f"zabcheck history exits {done.returncode}, and much was lost:\n{done.stdout}")
    print("ok   without syncs acknowledged writes are lost, and zabcheck history says so")


PARTS = {"zxids": zxids, "stale": stale, "kills": kills, "power": kills}


def run(part, kind, binary, options):
    """One part with servers of this kind; whether all holds."""
    with tempfile.TemporaryDirectory(prefix="zab-histories-") as folder:
        ensemble = kind(binary, folder)
        ensemble.lying = options.lying
        if options.conform and kind is not Apaches:
            ensemble.traces = pathlib.Path(folder) / "traces"
        keep = pathlib.Path(options.keep) if options.keep else pathlib.Path(folder)
        try:
            for server in ensemble.IDS:
                with open(ensemble.folder / str(server) / "zoo.cfg", "a") as config:
                    config.write(f"maxSessionTimeout={CALL_TIMEOUT_S * 1000}\n")
                ensemble.start(server)
            print(f"     {part}, {kind.__name__}")
            PARTS[part](ensemble, options, keep / f"{part}.history.ndjson")
            return True
        except Failed as why:
            ensemble.logs()
            print(f"FAIL {part}: {why}", file=sys.stderr)
            if options.keep and ensemble.traces:
                shutil.copytree(ensemble.traces, keep / f"{part}.traces", dirs_exist_ok=True)
            return False
        finally:
            ensemble.stop()


def main():
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    parser = Parser(description="histories of clients while servers fail")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--server", default="target/release/zab-server", help="the binary")
    parser.add_argument("--zabcheck", default="target/release/zabcheck", help="the binary")
    parser.add_argument("--apache", metavar="CLASSPATH", help="Apache's servers instead")
    parser.add_argument("--keep", metavar="FOLDER", help="where to leave the histories, and traces that do not conform")
    parser.add_argument("--rounds-max", type=int, default=400, help="stale: rounds at most")
    parser.add_argument("--seconds", type=float, default=15, help="kills, power: how long")
    parser.add_argument("--rounds", type=int, default=0, help="kills, power: how often, if not how long")
    parser.add_argument("--conform", action="store_true", help="kills, power: the traces conform, too")
    parser.add_argument("--beside", metavar="CLASSPATH", help="the same with Apache's servers, afterwards")
    parser.add_argument("--lying", action="store_true", help="power: syncs of logs have no effect")
    parser.add_argument("--clients", type=int, default=6, help="kills: how many")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    binary = options.apache or pathlib.Path(options.server).resolve()
    if unknown or not (options.apache or binary.is_file()):
        parser.error(f"no part {unknown[0]}" if unknown else f"{options.server} is no file")
    for part in options.parts or PARTS:
        kind = Apaches if options.apache else Powered if part == "power" else Ensemble
        if not run(part, kind, binary, options):
            return 1
        if options.beside and not run(part, Apaches, options.beside, options):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
