"""Records what kazoo clients ask and are told, as a client history (conformance/history/README.md).

    from kazoo_history import Recorder, RecordedClient

    with Recorder("run.history.ndjson") as recorder:
        client = RecordedClient(recorder, 1, "127.0.0.1:2181")
        client.start()
        client.create("/a", b"x")
        client.stop()

    zabcheck history run.history.ndjson

RecordedClient is a KazooClient in all else; several may share a Recorder. Lines are made where
kazoo takes a request into its queue and where it reads an answer off the socket, so callbacks and
threads change no order. Written for kazoo 2.11, of which it overrides internal functions. It runs
by itself as an example: python3 kazoo_history.py HOST:PORT FILE
"""

import json
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import EXCEPTIONS, KazooException
from kazoo.protocol import serialization as wire
from kazoo.protocol.states import EVENT_TYPE_MAP, KeeperState

KINDS = [
    "PERSISTENT",
    "EPHEMERAL",
    "PERSISTENT_SEQUENTIAL",
    "EPHEMERAL_SEQUENTIAL",
    "CONTAINER",
    "PERSISTENT_WITH_TTL",
    "PERSISTENT_SEQUENTIAL_WITH_TTL",
]
EVENTS = {
    "CREATED": "NodeCreated",
    "DELETED": "NodeDeleted",
    "CHANGED": "NodeDataChanged",
    "CHILD": "NodeChildrenChanged",
}


class Recorder:
    """Writes lines; moments are those of the clock that all processes of a machine share."""

    def __init__(self, path, source="kazoo 2.11.0", **header):
        self.file = open(path, "w", buffering=1)
        self.lock = threading.Lock()
        self.last = 0
        self.line({"zabHistory": 1, "source": source, "clock": "shared", **header})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def moment(self):
        with self.lock:
            self.last = max(time.monotonic_ns(), self.last + 1)
            return self.last

    def line(self, value):
        text = json.dumps(value, separators=(",", ":")) + "\n"
        with self.lock:
            if not self.file.closed:
                self.file.write(text)


def zxid(number):
    return f"{number >> 32}.{number & 0xFFFFFFFF}"


def session_name(number):
    return hex(number & 0xFFFFFFFFFFFFFFFF)


def spelled(data):
    """Data as text that differs where bytes differ."""
    return (data or b"").replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def stat_of(stat):
    value = {
        "czxid": zxid(stat.czxid),
        "mzxid": zxid(stat.mzxid),
        "pzxid": zxid(stat.pzxid),
        "version": stat.version,
        "cversion": stat.cversion,
        "numChildren": stat.numChildren,
    }
    if stat.ephemeralOwner:
        value["ephemeralOwner"] = session_name(stat.ephemeralOwner)
    return value


def versioned(op, request):
    value = {"op": op, "path": request.path}
    if request.version != -1:
        value["version"] = request.version
    return value


def watching(op, request):
    value = {"op": op, "path": request.path}
    if request.watcher:
        value["watch"] = True
    return value


def call_of(request):
    """What is asked for, in the words of the format."""
    if isinstance(request, (wire.Create, wire.Create2)):
        kind = KINDS[request.flags]
        return {"op": "create", "path": request.path, "data": spelled(request.data), "kind": kind}
    if isinstance(request, wire.Delete):
        return versioned("delete", request)
    if isinstance(request, wire.SetData):
        return {**versioned("set", request), "data": spelled(request.data)}
    if isinstance(request, wire.CheckVersion):
        return versioned("check", request)
    if isinstance(request, wire.GetData):
        return watching("get", request)
    if isinstance(request, wire.Exists):
        return watching("exists", request)
    if isinstance(request, (wire.GetChildren, wire.GetChildren2)):
        return watching("children", request)
    if isinstance(request, wire.Sync):
        return {"op": "sync", "path": request.path}
    if isinstance(request, wire.Transaction):
        return {"op": "multi", "parts": [call_of(part) for part in request.operations]}
    if isinstance(request, wire.Close):
        return {"op": "close"}
    return {"op": "other", "name": type(request).__name__}


def name_of(error):
    """ZooKeeper's name of an error."""
    if error == -2 or error is EXCEPTIONS.get(-2):
        return "RuntimeInconsistency"
    kind = EXCEPTIONS[error] if isinstance(error, int) else error
    return kind.__name__.removesuffix("Error")


def part_of(part, result):
    if isinstance(result, KazooException):
        return {"error": name_of(type(result))}
    if isinstance(part, wire.Create):
        return {"path": result}
    if isinstance(part, wire.SetData):
        return {"stat": stat_of(result)}
    return {}


def answer_of(request, result):
    """The reply, and the error of a multi, which stands in its parts."""
    if isinstance(request, wire.Create2):
        return {"path": result[0], "stat": stat_of(result[1])}, None
    if isinstance(request, wire.Create):
        return {"path": result}, None
    if isinstance(request, wire.GetData):
        return {"data": spelled(result[0]), "stat": stat_of(result[1])}, None
    if isinstance(request, (wire.SetData, wire.Exists)):
        return {"stat": stat_of(result)}, None
    if isinstance(request, wire.GetChildren2):
        return {"children": result[0], "stat": stat_of(result[1])}, None
    if isinstance(request, wire.GetChildren):
        return {"children": result}, None
    if isinstance(request, wire.Transaction):
        parts = [part_of(part, one) for part, one in zip(request.operations, result)]
        errors = [part["error"] for part in parts if "error" in part]
        first = [error for error in errors if error not in ("RuntimeInconsistency", "RolledBack")]
        return {"parts": parts}, (first or errors or [None])[0]
    return {}, None


class RecordedClient(KazooClient):
    """A client whose requests, answers and events are recorded."""

    def __init__(self, recorder, number, *args, **named):
        self.recorder, self.number = recorder, number
        self.order, self.open, self.server = threading.RLock(), [], None
        self.stopped_at = None
        super().__init__(*args, **named)
        connection = self._connection
        self._their = (
            connection._connect,
            connection._read_response,
            connection._read_watch_event,
        )
        connection._connect = self._connect_recorded
        connection._read_response = self._response_recorded
        connection._read_watch_event = self._event_recorded

    def mark(self, recipe, mark, name, **more):
        """Records a step of a recipe."""
        at = self.recorder.moment()
        self._line({"event": "Mark", "at": at, "recipe": recipe, "mark": mark, "name": name, **more})

    def _line(self, what, session=None):
        line = {"client": self.number}
        session = session or self._session_id
        if session:
            line["session"] = session_name(session)
        if self.server:
            line["server"] = self.server
        self.recorder.line({**line, **what})

    def _call(self, request, async_object):
        with self.order:
            if not isinstance(request, wire.Auth):
                self.open.append((request, self.recorder.moment(), self._session_id))
            done = super()._call(request, async_object)
            if done is False:
                self.open = [one for one in self.open if one[0] is not request]
            return done

    def stop(self):
        # kazoo puts the request that closes the session into its queue by itself.
        self.stopped_at = self.recorder.moment()
        super().stop()

    def _connect_recorded(self, host, hostip, port):
        self.server = f"{host}:{port}"
        return self._their[0](host, hostip, port)

    def _response_recorded(self, header, buffer, offset):
        request = self._pending[0][0]
        with self.order:
            place = next((n for n, one in enumerate(self.open) if one[0] is request), None)
            invoked = self.open.pop(place)[1] if place is not None else None
        if isinstance(request, wire.Close):
            invoked = self.stopped_at
        if invoked is not None:
            what = {"event": "Operation", "invoked": invoked, "returned": self.recorder.moment()}
            what.update(call_of(request), zxid=zxid(header.zxid))
            if header.err:
                what["error"] = name_of(header.err)
            elif hasattr(request, "deserialize"):
                result = request.deserialize(buffer, offset)
                what["reply"], error = answer_of(request, result)
                if error:
                    what["error"] = error
            self._line(what)
        return self._their[1](header, buffer, offset)

    def _event_recorded(self, buffer, offset):
        watch, _ = wire.Watch.deserialize(buffer, offset)
        kind = EVENTS.get(EVENT_TYPE_MAP.get(watch.type))
        if kind:
            at = self.recorder.moment()
            self._line({"event": "Watch", "at": at, "kind": kind, "path": watch.path})
        return self._their[2](buffer, offset)

    def _session_callback(self, state):
        if state == self._state:
            return
        if state in (KeeperState.CONNECTED, KeeperState.CONNECTED_RO):
            event = "Connected"
        else:
            event = "Expired" if state == KeeperState.EXPIRED_SESSION else "Disconnected"
        session = self._session_id
        # kazoo gives up what is in its queue. A request that came between that and these lines would
        # stay open here, and be taken for one of the next connection.
        with self.order:
            lost = self.open if event != "Connected" else []
            self.open = [] if event != "Connected" else self.open
            for request, invoked, asked_in in lost:
                # Nobody knows what became of it.
                what = {"event": "Operation", "invoked": invoked, **call_of(request)}
                self._line(what, asked_in or session)
            self._line({"event": event, "at": self.recorder.moment()}, session)
            super()._session_callback(state)


def main():
    hosts, path = sys.argv[1:]
    with Recorder(path) as recorder:
        clients = [RecordedClient(recorder, number, hosts) for number in (1, 2)]
        for client in clients:
            client.start()
        one, other = clients
        one.create("/kazoo-history", b"a")
        other.get("/kazoo-history", watch=lambda event: None)
        one.set("/kazoo-history", b"b")
        other.sync("/kazoo-history")
        other.get("/kazoo-history")
        transaction = one.transaction()
        transaction.check("/kazoo-history", version=1)
        transaction.delete("/kazoo-history")
        transaction.commit()
        for client in clients:
            client.stop()


if __name__ == "__main__":
    main()
