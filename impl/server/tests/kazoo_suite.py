#!/usr/bin/env python3
"""kazoo's own test suite, unmodified, against zab-server.

    cargo build --release -p zab-server
    python3 impl/server/tests/kazoo_suite.py [--server target/release/zab-server] [TEST...]

kazoo's harness starts three servers with `java`, which it looks up on PATH. This script puts a
`java` there that starts zab-server, with the settings in the configuration that the harness writes
which no passing test relies on (TLS, SASL, reconfiguration, local sessions) tolerated.

With TEST (as pytest takes them, for instance kazoo/tests/test_lock.py) only those are run. The
suite and what it needs come from PyPI, into --work. Prints the tests that failed, and exits 0 if
they are those in EXPECTED, 1 if another one failed or one of those passed, 3 on bad usage.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import venv

VERSION = "2.11.0"

# pyopenssl after 24.2.1 lacks what the harness makes its certificates with.
NEEDED = ["pytest", "pytest-timeout", "objgraph", "pyjks", "pyopenssl==23.3.0", "cryptography<42"]
BUILD = ["wheel", "setuptools"]

# Tests that pass with Apache ZooKeeper 3.8.0 and fail here, and why.
EXPECTED = {
    "kazoo/tests/test_client.py::TestSSLClient::test_create": "its stores are Java's, and zab-server reads PEM files",
    "kazoo/tests/test_client.py::TestReconfig::test_add_remove_observer": "no reconfiguration",
    "kazoo/tests/test_client.py::TestReconfig::test_bad_input": "no reconfiguration",
    "kazoo/tests/test_client.py::TestReconfig::test_no_super_auth": "no reconfiguration",
    "kazoo/tests/test_connection.py::TestReadOnlyMode::test_read_only": "no read-only mode",
}

TOLERATED = [
    "ssl.",
    "secureClientPort",
    "authProvider.",
    "reconfigEnabled",
    "localSessionsEnabled",
    "localSessionsUpgradingEnabled",
]

# The last argument is the configuration. Of Java's properties the servers need one, the digest of
# the administrator.
JAVA = """#!/bin/bash
for a in "$@"; do case $a in -Dzookeeper.DigestAuthenticationProvider.*) D+=("$a");; esac; done
exec '{server}' {tolerated} "${{D[@]}}" "${{@: -1}}" 2>>'{log}'
"""

# Of one test; of the whole suite, which takes about five minutes.
TEST_TIMEOUT_S = 120
SUITE_TIMEOUT_S = 1800

# pytest colours the name of the test even in a file.
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::\S+)", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def prepare(work):
    """The suite, and a Python that can run it."""
    python = work / "venv" / "bin" / "python"
    suite = work / f"kazoo-{VERSION}"
    if (work / "ready").exists():
        return python, suite
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    venv.create(work / "venv", with_pip=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *BUILD, *NEEDED], check=True)
    source = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
    subprocess.run([*pip, "download", *source, f"kazoo=={VERSION}"], check=True, cwd=work)
    shutil.unpack_archive(work / f"kazoo-{VERSION}.tar.gz", work)
    subprocess.run([*pip, "install", "--no-build-isolation", "-e", suite], check=True)
    (work / "ready").touch()
    return python, suite


def run(server, work, tests):
    """What pytest printed."""
    python, suite = prepare(work)
    java = work / "bin" / "java"
    java.parent.mkdir(exist_ok=True)
    tolerated = " ".join(f"--tolerate {key}" for key in TOLERATED)
    log = work / "servers.log"
    java.write_text(JAVA.format(server=server, tolerated=tolerated, log=log))
    java.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{java.parent}:{os.environ['PATH']}",
        "ZOOKEEPER_VERSION": "3.8.0",
        # The harness asks for one and gives it to java, which here takes no notice.
        "ZOOKEEPER_CLASSPATH": "unused",
        "ZOOKEEPER_PORT_OFFSET": os.environ.get("ZOOKEEPER_PORT_OFFSET", "27000"),
    }
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rfE", "--log-level=WARNING"]
    command += [f"--timeout={TEST_TIMEOUT_S}", *(tests or ["kazoo/tests"])]
    output = work / "output.txt"
    with open(output, "wb") as file:
        process = subprocess.Popen(
            command, cwd=suite, env=environment, stdout=file, stderr=file, start_new_session=True
        )
        # After its summary pytest may wait for kazoo's threads, which connect for ever.
        try:
            wait_for_summary(process, output)
        finally:
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                pass
            process.wait()
    return COLOUR.sub("", output.read_text(errors="replace"))


def wait_for_summary(process, output):
    for _ in range(SUITE_TIMEOUT_S):
        try:
            process.wait(timeout=1)
            return
        except subprocess.TimeoutExpired:
            if re.search(r"(passed|failed).* in [\d.]+s", COLOUR.sub("", tail(output))):
                return


def tail(path):
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 4096))
        return file.read().decode(errors="replace")


def main():
    parser = argparse.ArgumentParser(description="kazoo's own suite against zab-server")
    parser.add_argument("--server", default="target/release/zab-server", help="the binary")
    parser.add_argument("--work", default="target/kazoo-suite", help="where the suite is kept")
    parser.add_argument("tests", nargs="*", metavar="TEST", help="only these")
    arguments = parser.parse_args()
    server = pathlib.Path(arguments.server).resolve()
    if not server.is_file():
        print(f"{arguments.server} is no file: cargo build --release -p zab-server", file=sys.stderr)
        return 3
    text = run(server, pathlib.Path(arguments.work).resolve(), arguments.tests)
    summary = re.findall(r"^=+ (.*(?:passed|failed).*) in .*$", text, re.MULTILINE)
    if not summary:
        print(f"no summary; the end of {arguments.work}/output.txt:\n{text[-2000:]}")
        return 1
    failed = set(FAILED.findall(text))
    for test in sorted(failed):
        print(f"{'expected' if test in EXPECTED else 'FAIL    '} {test}: {EXPECTED.get(test, '?')}")
    chosen = arguments.tests
    repaired = [] if chosen else sorted(set(EXPECTED) - failed)
    for test in repaired:
        print(f"FAIL     {test} passes: take it off the list")
    print(summary[-1])
    return 1 if repaired or failed - set(EXPECTED) else 0


if __name__ == "__main__":
    sys.exit(main())
