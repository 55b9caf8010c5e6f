#!/usr/bin/env python3
"""TLS for clients and between servers, with certificates that openssl makes for this run.

    pip install kazoo==2.11.0
    cargo build -p zab-server
    python3 impl/server/tests/tls.py [--apache CLASSPATH]

clients: a port under TLS, with and without a certificate of the client; kazoo over it; a client
without a certificate, with one of another authority, and one that speaks in the clear get nothing.

quorum: three servers under mutual TLS elect, replicate and lose their leader; whoever connects
without a certificate of the ensemble's authority cannot say a word on the election and quorum
ports; a server with a certificate of another authority does not get in. With --apache one server
is Apache ZooKeeper 3.8.0; its class path needs netty's handler, codec and buffer beside its own jar,
or its listener ends without a word.

handshakes: connections that never finish their handshake do not keep clients out.

Exits 0 if all holds, 1 if not, 3 on bad usage.
"""

import logging
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

from kazoo.client import KazooClient

from ensemble import CALL_TIMEOUT_S, HOST, Ensemble, Failed, Parser, connect, eventually, require
from ensemble import reserve, stop
from storage import JAVA


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    require(done.returncode == 0, f"openssl {arguments}: {done.stderr}")


def authority(folder, name):
    """A certificate authority: its certificate is NAME.pem."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", 2,
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")
    return name


def certificate(folder, signer, name):
    """A certificate for 127.0.0.1 and its key, both in one file."""
    key, asked, cert = (folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", asked, "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", asked, "-CA", folder / f"{signer}.pem", "-CAkey",
            folder / f"{signer}.key", "-CAcreateserial", "-out", cert, "-days", 2, "-extfile", extensions)
    both = folder / f"{name}-store.pem"
    both.write_text(cert.read_text() + key.read_text())
    return both


class Secured(Ensemble):
    """Three servers with TLS between them, and for clients."""

    def __init__(self, binary, folder, certificates, options, apache=()):
        super().__init__(binary, folder)
        self.apache, self.options = apache, options
        self.more_ports = reserve(3)
        ports = iter([one.getsockname()[1] for one in self.more_ports])
        self.secure_ports = {server: next(ports) for server in self.IDS}
        for server in self.IDS:
            store = certificates / f"server-{server}-store.pem"
            lines = [
                "sslQuorum=true",
                f"ssl.quorum.keyStore.location={store}",
                f"ssl.quorum.trustStore.location={certificates / 'ensemble.pem'}",
                "admin.enableServer=false",
            ]
            if server not in apache:
                lines += [
                    f"secureClientPort={self.secure_ports[server]}",
                    f"secureClientPortAddress={HOST}",
                    f"ssl.keyStore.location={store}",
                    f"ssl.trustStore.location={certificates / 'ensemble.pem'}",
                    f"ssl.clientAuth={('need', 'want', 'none')[server - 1]}",
                ]
            with open(self.folder / str(server) / "zoo.cfg", "a") as config:
                config.writelines(f"{line}\n" for line in lines)

    def start(self, server):
        if server not in self.apache:
            super().start(server)
            return
        data = self.folder / str(server)
        command = ["java", "-Xmx256m", "-cp", self.options.apache, JAVA, data / "zoo.cfg"]
        with open(data / "log.txt", "ab") as log:
            self.processes[server] = subprocess.Popen(command, stdout=log, stderr=log)


def over_tls(ensemble, server, certificates, name=None, **more):
    store = {"certfile": str(certificates / f"{name}.crt"), "keyfile": str(certificates / f"{name}.key")}
    return KazooClient(
        hosts=f"{HOST}:{ensemble.secure_ports[server]}",
        use_ssl=True,
        ca=str(certificates / "ensemble.pem"),
        timeout=10,
        **(store if name else {}),
        **more,
    )


def refused_session(port, context):
    """Whether a client that greets gets no answer on this port."""
    greeting = struct.pack(">iqiqi", 0, 0, 10_000, 0, 16) + bytes(16) + b"\0"
    try:
        with socket.create_connection((HOST, port), timeout=60) as plain:
            stream = context.wrap_socket(plain, server_hostname=HOST) if context else plain
            stream.sendall(struct.pack(">i", len(greeting)) + greeting)
            while part := stream.recv(4096):
                # In the clear an alert of TLS may come: it is no answer to a client.
                if part[0] != 21:
                    return False
            return True
    except OSError:
        return True


def context_of(certificates, name=None):
    context = ssl.create_default_context(cafile=certificates / "ensemble.pem")
    if name:
        context.load_cert_chain(certificates / f"{name}.crt", certificates / f"{name}.key")
    return context


def clients(ensemble, certificates):
    for server in ensemble.IDS:
        if server in ensemble.apache:
            continue
        client = over_tls(ensemble, server, certificates, "client")
        client.start(timeout=CALL_TIMEOUT_S)
        client.create(f"/tls-{server}", b"x" * 900_000)
        require(len(client.get(f"/tls-{server}")[0]) == 900_000, "a large node comes back whole")
        stop(client)
    bare, known, foreign = (context_of(certificates, name) for name in (None, "client", "foreign"))
    # Server 1 needs a certificate, 2 wants one, 3 asks for none.
    for server, context, what, expected in [
        (1, bare, "no certificate", True),
        (1, foreign, "a foreign certificate", True),
        (1, known, "a certificate", False),
        (1, None, "no TLS", True),
        (2, bare, "no certificate", False),
        (2, foreign, "a foreign certificate", True),
        (3, bare, "no certificate", False),
        (3, None, "no TLS", True),
    ]:
        if server in ensemble.apache:
            continue
        found = refused_session(ensemble.secure_ports[server], context)
        require(found == expected, f"server {server}, {what}: refused is {found}")


def no_word_without_certificate(ensemble, certificates):
    """On the ports between servers the protocol is not heard, in the clear or from strangers."""
    config = (ensemble.folder / "1" / "zoo.cfg").read_text()
    line = next(line for line in config.splitlines() if line.startswith("server.2="))
    quorum, election = map(int, line.rsplit(":", 2)[1:])
    hello = struct.pack(">qqi", -65536, 3, 15) + b"127.0.0.1:20000"
    vote = struct.pack(">iqqqqi", 0, 3, 2**40, 77, 77, 2) + struct.pack(">i", 0)
    election_bytes = hello + struct.pack(">i", len(vote)) + vote
    info = struct.pack(">qiq", 3, 0x10000, 0)
    quorum_bytes = struct.pack(">iq", 11, 5 << 32) + struct.pack(">i", len(info)) + info + struct.pack(">i", -1)
    for port, content in ((election, election_bytes), (quorum, quorum_bytes)):
        for name in (None, "foreign"):
            for context in (None, context_of(certificates, name)):
                try:
                    with socket.create_connection((HOST, port), timeout=60) as plain:
                        stream = context.wrap_socket(plain, server_hostname=HOST) if context else plain
                        stream.sendall(content)
                        while part := stream.recv(4096):
                            require(part[0] == 21, f"port {port} answered {part[:20]!r}")
                except OSError:
                    pass  # refused, which is well


def silent_handshakes(ensemble, certificates):
    """Half a handshake each."""
    silent = []
    for number in range(50):
        one = socket.create_connection((HOST, ensemble.secure_ports[1]), timeout=60)
        if number % 2:
            one.sendall(b"\x16\x03\x01\x02\x00\x01")
        silent.append(one)
    client = over_tls(ensemble, 1, certificates, "client")
    client.start(timeout=CALL_TIMEOUT_S)
    client.set("/tls-1", b"1")
    # Each ends when its time is over.
    for one in silent:
        try:
            while one.recv(4096):
                pass
        except OSError:
            pass
        one.close()
    client.set("/tls-1", b"2")
    stop(client)


def run(binary, folder, options):
    certificates = pathlib.Path(folder) / "certificates"
    certificates.mkdir()
    ours, other = authority(certificates, "ensemble"), authority(certificates, "other")
    for server in Ensemble.IDS:
        certificate(certificates, ours, f"server-{server}")
    certificate(certificates, ours, "client")
    certificate(certificates, other, "foreign")
    apache = (2,) if options.apache else ()
    place = pathlib.Path(folder) / "servers"
    place.mkdir()
    ensemble = Secured(binary, place, certificates, options, apache)
    try:
        for server in ensemble.IDS:
            ensemble.start(server)
        leader = eventually(ensemble.leader, "three servers that serve")
        clients(ensemble, certificates)
        print("ok   clients under TLS; who has no certificate where one is needed gets nothing", flush=True)
        client = connect(ensemble, 3)
        for number in range(200):
            client.create(f"/n{number}", b"x" * 1000)
        stop(client)
        no_word_without_certificate(ensemble, certificates)
        ensemble.kill(leader)
        eventually(ensemble.leader, "two servers that serve")
        ensemble.start(leader)
        eventually(ensemble.leader, "three servers that serve again")
        # A server whose certificate is another authority's does not get in.
        stranger = next(server for server in ensemble.IDS if server not in apache)
        ensemble.kill(stranger)
        store = certificates / f"server-{stranger}-store.pem"
        own = store.read_text()
        store.write_text((certificates / "foreign-store.pem").read_text())
        ensemble.start(stranger)
        others = [server for server in ensemble.IDS if server != stranger]
        eventually(lambda: ensemble.word(stranger, "ruok") is not None, "the stranger runs")
        eventually(lambda: all(ensemble.mode(server) for server in others), "the others serve")
        client = connect(ensemble, others[0])
        for number in range(50):
            client.set("/n0", b"%d" % number)
        stop(client)
        require(ensemble.mode(stranger) is None, "a server with a foreign certificate serves")
        ensemble.kill(stranger)
        store.write_text(own)
        ensemble.start(stranger)
        eventually(ensemble.leader, "three servers with their own certificates")
        kinds = ", one of them Apache's" if apache else ""
        print(f"ok   three servers under mutual TLS{kinds}; strangers are not heard", flush=True)
        silent_handshakes(ensemble, certificates)
        print("ok   unfinished handshakes keep nobody out", flush=True)
    except Failed:
        ensemble.logs()
        raise
    finally:
        ensemble.stop()


def main():
    # It reports every lost connection; here they are wanted.
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    parser = Parser(description="TLS for clients and between servers")
    parser.add_argument("--server", default="target/debug/zab-server", help="the binary")
    parser.add_argument("--apache", metavar="CLASSPATH", help="server 2 is Apache's")
    options = parser.parse_args()
    binary = pathlib.Path(options.server).resolve()
    if not binary.is_file() or not shutil.which("openssl"):
        print(f"{binary} is no file, or there is no openssl", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="zab-tls-") as folder:
        try:
            run(binary, folder, options)
            return 0
        except (Failed, OSError) as failure:
            print(f"FAIL {failure}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
