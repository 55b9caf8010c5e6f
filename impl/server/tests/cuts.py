"""A network between servers that can be cut.

Each server dials every other one through a relay of this process, on both ports between servers. So what
goes between two servers can be held up, or their connections can be ended at both ends, or at the
dialling end only: then the other end has a connection that nobody is at, which is what is left of a
server whose power failed, and the server comes again on a second one.
"""

import re
import signal
import socket
import threading

from ensemble import HOST

SERVER = re.compile(r"^server\.(\d+)=[^:]*:(\d+):(\d+)$", re.MULTILINE)
# What can happen to what goes between two servers.
ENDED, SILENT, HALF_OPEN = "ended", "silent", "half-open"
KINDS = (ENDED, SILENT, HALF_OPEN)


class Link:
    """One connection, of which a relay has both halves."""

    def __init__(self, dialled, answered):
        self.dialled, self.answered = dialled, answered

    def end(self, *halves):
        for half in halves or (self.dialled, self.answered):
            try:
                half.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended already


class Relay:
    """All connections that one server opens to a port of another one."""

    def __init__(self, port):
        self.port = port
        self.listener = socket.create_server((HOST, 0))
        self.lock = threading.Lock()
        self.links = set()
        # Cleared while nothing passes.
        self.passes = threading.Event()
        self.passes.set()
        self.refuses = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                dialled, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self.join, args=(dialled,), daemon=True).start()

    def join(self, dialled):
        self.passes.wait()
        try:
            answered = socket.create_connection((HOST, self.port))
        except OSError:
            dialled.close()
            return
        link = Link(dialled, answered)
        for half in (dialled, answered):
            half.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            if self.refuses:
                link.end()
            self.links.add(link)
        for source, target in ((dialled, answered), (answered, dialled)):
            threading.Thread(target=self.pump, args=(link, source, target), daemon=True).start()

    def pump(self, link, source, target):
        try:
            while data := source.recv(1 << 16):
                self.passes.wait()
                target.sendall(data)
        except OSError:
            pass  # one end has ended
        with self.lock:
            # What is left half open on purpose stays so until it is let go.
            if link in self.links:
                self.links.discard(link)
                link.end()

    def begin(self, kind):
        """From now on. Returns what `mend` lets go."""
        with self.lock:
            if kind == SILENT:
                self.passes.clear()
                return set()
            self.refuses = kind == ENDED
            links, self.links = self.links, set()
        for link in links:
            link.end(*(() if kind == ENDED else (link.dialled,)))
        return links

    def mend(self):
        with self.lock:
            self.refuses = False
        self.passes.set()


class Network:
    """The relays between all servers of an ensemble that has not started yet, whose configurations
    are changed: a server's own host is the wildcard, so that no server tells others of a way around
    the relays."""

    def __init__(self, ensemble):
        self.relays = {}
        self.left = set()
        for server in ensemble.IDS:
            path = ensemble.folder / str(server) / "zoo.cfg"

            def changed(found, own=server):
                other, ports = int(found[1]), (int(found[2]), int(found[3]))
                if other == own:
                    return f"server.{other}=0.0.0.0:{ports[0]}:{ports[1]}"
                relays = [Relay(port) for port in ports]
                self.relays[own, other] = relays
                quorum, election = (relay.listener.getsockname()[1] for relay in relays)
                return f"server.{other}={HOST}:{quorum}:{election}"

            text = SERVER.sub(changed, path.read_text())
            # What is half open is noticed within five seconds.
            path.write_text(text.replace("syncLimit=40", "syncLimit=10"))

    def between(self, one, other):
        return self.relays[one, other] + self.relays[other, one]

    def disturb(self, kind, pairs, seconds):
        """Something happens between these servers for so long. What is left half open ends then: a
        host that is up again resets connections that it does not have."""
        relays = [relay for pair in pairs for relay in self.between(*pair)]
        for relay in relays:
            self.left |= relay.begin(kind)
        threading.Event().wait(seconds)
        for relay in relays:
            relay.mend()
        self.let_go()

    def let_go(self):
        """What is left of connections ends."""
        for link in self.left:
            link.end()
        self.left = set()

    def close(self):
        self.let_go()
        for relays in self.relays.values():
            for relay in relays:
                relay.listener.close()
                relay.mend()
                relay.begin(ENDED)


def disturb(ensemble, fault, chosen, chance):
    """A server is held up ("freeze"), or what goes between it and one or both others is."""
    seconds = chance.random() * 2
    if fault == "freeze":
        ensemble.processes[chosen].send_signal(signal.SIGSTOP)
        threading.Event().wait(seconds)
        ensemble.processes[chosen].send_signal(signal.SIGCONT)
        return
    others = [server for server in ensemble.IDS if server != chosen]
    pairs = [(chosen, other) for other in chance.choice([others, others[:1], others[1:]])]
    ensemble.network.disturb(fault, pairs, seconds)
