"""An emitter of zabcheck's traces, and two servers that use it: python3 emitter.py FOLDER

Copy the class into a server. It needs nothing but the standard library. The format is in
traces/README.md; `zabcheck lint FOLDER` says what is wrong with a trace, `zabcheck conform FOLDER`
whether it is a legal run.
"""
import json
import os
import sys
import threading


class Emitter:
    """The trace of one life of one server. Its methods may be called from any thread."""

    def __init__(self, folder, server, incarnation, servers, window=500, hidden=()):
        path = os.path.join(folder, f"server-{server}-{incarnation}.ndjson")
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self.who = {"server": server, "incarnation": incarnation}
        self.seq, self.ordinals, self.lock = 0, {}, threading.Lock()
        self._write({"zabTrace": 1, "source": "server",
                     "implementation": {"name": "example", "version": "1"},
                     "servers": servers, "observers": [], "profile": "fixed", "window": window,
                     "contract": {"hidden": list(hidden), "state": False, "silent": []}})

    def event(self, event, **arguments):
        """Start, Stop, Looking, Elected, Persisted, Proposed, ...: when it has happened."""
        with self.lock:
            self._event(event, arguments)

    def connected(self, connection, **peer):
        """Quorum port: this end has a connection. Its messages count from 0, each way."""
        with self.lock:
            for way in "Sent", "Received":
                self.ordinals[way, connection] = 0
            self._event("Connected", {"connection": connection, **peer})

    def sent(self, connection, peer, message):
        """Before the bytes go to the socket, and under the lock that orders the socket's writes."""
        self._message("Sent", connection, peer, message)

    def received(self, connection, peer, message):
        """When the message is decoded, before anything that it causes."""
        self._message("Received", connection, peer, message)

    def _message(self, way, connection, peer, message):
        with self.lock:
            ordinal = self.ordinals.get((way, connection), 0)
            self.ordinals[way, connection] = ordinal + 1
            self._event(way, {"connection": connection, "ordinal": ordinal, "peer": peer,
                              "message": message})

    def _event(self, event, arguments):
        self._write({**self.who, "seq": self.seq, "event": event, **arguments})
        self.seq += 1

    def _write(self, line):
        # One write for each line, before the step goes on: a kill leaves whole lines, and all.
        os.write(self.file, json.dumps(line, separators=(",", ":")).encode() + b"\n")


def vote(leader):
    return {"type": "NOTIFICATION", "role": "LOOKING", "leader": leader, "zxid": "0.0", "round": 1,
            "peerEpoch": 0}


if __name__ == "__main__":
    one, two = (Emitter(sys.argv[1], server, 1, [1, 2]) for server in (1, 2))
    link = "10.0.0.2:40001>10.0.0.1:3888"
    for server in one, two:
        server.event("Start", recovered={"acceptedEpoch": 0, "currentEpoch": 0, "lastZxid": "0.0",
                                         "logLength": 0})
        server.event("Looking", round=1)
    one.sent(link, 2, vote(1))
    two.sent(link, 1, vote(2))
    two.received(link, 1, vote(1))
    for server in one, two:
        server.event("Stop")
