#!/usr/bin/env python3
"""Programs that others wrote, on Apache ZooKeeper 3.8.0 and on zab-server: the same output.

    apt-get install zookeeper libcurator-recipes-java default-jdk-headless
    cargo build --release -p zab-server
    python3 impl/server/tests/clients.py [zkcli] [curator] [tokio]

zkcli: the commands of clients/zkcli.txt in ZooKeeper's own command line, one process on each server.
curator: clients/CuratorProgram.java, which uses Curator's recipes, on each server.
tokio: the tests of the crate tokio-zookeeper 0.4.0, which cargo fetches; they want a server at
127.0.0.1:2181. All 7 must pass.

The outputs of the first two are compared without zxids, times and sessions. Prints a line for
each. Exits 0 if all is the same, 1 if something differs, 3 on bad usage.
"""

import argparse
import contextlib
import difflib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from differential import HOST, reserve, started, wait_for

HERE = pathlib.Path(__file__).resolve().parent
JARS = pathlib.Path("/usr/share/java")
SERVER_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
CRATE = "tokio-zookeeper"
VERSION = "0.4.0"
LIMIT_S = 600


def class_path(*names):
    return ":".join(str(JARS / f"{name}.jar") for name in names)


ZOOKEEPER = class_path("zookeeper", "slf4j-nop")
CURATOR = class_path("curator-recipes", "curator-framework", "curator-client", "guava") + ":" + ZOOKEEPER


@contextlib.contextmanager
def both(binary, folder):
    """Ports of two servers that are alone: Apache's and ours."""
    reserved = reserve(2)
    ports = [one.getsockname()[1] for one in reserved]
    with contextlib.ExitStack() as all_of:
        for name, port in zip(("apache", "ours"), ports):
            data = folder / name
            data.mkdir(parents=True)
            (data / "zoo.cfg").write_text(
                f"tickTime=2000\ndataDir={data}\nclientPort={port}\nclientPortAddress={HOST}\n"
                "admin.enableServer=false\nextendedTypesEnabled=true\n4lw.commands.whitelist=*\n"
            )
            apache = ["java", "-Xmx256m", "-Dzookeeper.extendedTypesEnabled=true", "-cp", ZOOKEEPER, SERVER_CLASS]
            command = apache if name == "apache" else [binary]
            all_of.enter_context(started([*command, data / "zoo.cfg"], data / "log"))
        wait_for(ports)
        yield ports


def comparable(output):
    """Lines without what differs between any two runs. Events are printed by a thread of their own,
    so they stand apart; identities have no order."""
    lines, events = [], []
    for line in output.splitlines():
        line = re.sub(r"127\.0\.0\.1:\d+|localhost:\d+", "SERVER", line)
        line = re.sub(r"\b([cmp]Zxid|zxid:?) ?=? ?(0x[0-9a-f]+|-?\d+)", r"\1 = ZXID", line)
        line = re.sub(r"^(ctime|mtime) = .*", r"\1 = TIME", line)
        line = re.sub(r"ephemeralOwner = 0x1[0-9a-f]+", "ephemeralOwner = SESSION", line)
        line = re.sub(r"session ?id ?[:=]? ?0x[0-9a-f]+", "SESSION", line, flags=re.I)
        line = re.sub(r"\[zk: .*?\) \d+\] ", "", line)
        if line.startswith("WatchedEvent"):
            # The last event may come after the program's end.
            events += [line] if "state:Closed" not in line else []
        elif line and not line.startswith(("JLine", "Connecting to", "SLF4J", "Welcome to", "WATCHER")):
            lines.append(line)
    for place in range(1, len(lines)):
        if all(re.match("(ip|digest): ", line) for line in lines[place - 1 : place + 1]):
            lines[place - 1 : place + 1] = sorted(lines[place - 1 : place + 1])
    return lines + events


def compare(name, outputs):
    apache, ours = (comparable(output) for output in outputs)
    differences = list(difflib.unified_diff(apache, ours, "Apache", "zab-server", lineterm="", n=1))
    if differences:
        print(f"FAIL {name}: {len(apache)} and {len(ours)} lines")
        print("\n".join("     " + line for line in differences))
        return False
    print(f"ok   {name}: {len(apache)} lines, the same")
    return True


def run(command, **named):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, **named
    )
    return done.stdout


def zkcli(binary, folder):
    commands = (HERE / "clients" / "zkcli.txt").read_text()
    cli = ["java", "-cp", ZOOKEEPER, "org.apache.zookeeper.ZooKeeperMain", "-server"]
    with both(binary, folder) as ports:
        # Each command has its output below it, and events come before the next command.
        outputs = [run([*cli, f"{HOST}:{port}"], input=commands) for port in ports]
    return compare("zkcli", outputs)


def curator(binary, folder):
    source = HERE / "clients" / "CuratorProgram.java"
    built = folder / "classes"
    output = run(["javac", "-cp", CURATOR, "-d", built, source])
    if output:
        print(f"FAIL curator: {output}")
        return False
    program = ["java", "-cp", f"{built}:{CURATOR}", "CuratorProgram"]
    with both(binary, folder) as ports:
        outputs = [run([*program, f"{HOST}:{port}"]) for port in ports]
    if "undone: null" not in outputs[0]:
        print(f"FAIL curator does not end on Apache:\n{outputs[0]}")
        return False
    return compare("curator", outputs)


def tokio(binary, folder):
    probe = folder / "probe"
    (probe / "src").mkdir(parents=True)
    (probe / "src" / "lib.rs").write_text("")
    (probe / "Cargo.toml").write_text(
        '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n\n'
        f'[dependencies]\n{CRATE} = "={VERSION}"\n'
    )
    described = json.loads(run(["cargo", "metadata", "--quiet", "--format-version=1"], cwd=probe))
    package = next(package for package in described["packages"] if package["name"] == CRATE)
    crate = folder / CRATE
    shutil.copytree(pathlib.Path(package["manifest_path"]).parent, crate)
    with open(crate / "Cargo.toml", "a") as manifest:
        manifest.write("\n[workspace]\n")
    data = folder / "tokio"
    command = [binary, "--standalone", data, "-D", "clientPort=2181"]
    test = ["cargo", "test", "--quiet", "--lib", "--", "--test-threads=1"]
    run([*test[:4], "--no-run"], cwd=crate)
    with started(command, folder / "tokio.log"):
        wait_for([2181])
        output = run(test, cwd=crate)
    fine = "7 passed; 0 failed" in output
    print(f"ok   {CRATE} {VERSION}: 7 of 7 tests pass" if fine else f"FAIL {CRATE}:\n{output}")
    return fine


PARTS = {"zkcli": zkcli, "curator": curator, "tokio": tokio}


def main():
    parser = argparse.ArgumentParser(description="others' programs on Apache and on zab-server")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--server", default="target/release/zab-server", help="the binary")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    server = pathlib.Path(arguments.server).resolve()
    if unknown or not server.is_file():
        what = f"no part {unknown[0]}" if unknown else f"{arguments.server} is no file"
        print(f"{what}; parts are {', '.join(PARTS)}", file=sys.stderr)
        return 3
    fine = True
    for part in arguments.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="zab-clients-") as folder:
            fine = PARTS[part](server, pathlib.Path(folder)) and fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
