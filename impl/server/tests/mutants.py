#!/usr/bin/env python3
"""Whether the checks of the server find anything: defects that are put in on purpose.

    pip install kazoo==2.11.0
    cargo build -p zab-server --features mutants && cargo build
    python3 impl/server/tests/mutants.py [NAME...]

Each defect (docs/src/defects.md, impl/server/src/mutant.rs) is put into three servers, and the check
beside it below must fail. Before that each check is run without a defect, and must hold.

Exits 0 if every defect is found, 1 if one survives or a check fails without any, 3 on bad usage.
"""

import os
import pathlib
import subprocess
import sys
import time

from ensemble import Parser

HERE = pathlib.Path(__file__).resolve().parent
# What is looked for may be that something never happens: then a check ends after so many seconds.
DEADLINE_S = "60"
CHECKS = {
    "coordination": ["kazoo_ops.py", "--rounds", "0", "--only", "coordination"],
    "keepalive": ["kazoo_ops.py", "--rounds", "0", "--only", "keepalive"],
    "kills": ["histories.py", "kills", "--seconds", "6"],
    "zxids": ["histories.py", "zxids"],
    "disk": ["storage.py", "kills", "--rounds", "6"],
    "spare": ["storage.py", "spare"],
    "digests": ["observers.py", "observers"],
}
DEFECTS = {
    "event-lost": "kills",
    "event-after-answer": "kills",
    "watch-fires-again": "kills",
    "expires-early": "keepalive",
    "never-expires": "coordination",
    "ephemeral-left": "coordination",
    "log-not-replayed": "disk",
    "digest-of-before": "digests",
    "purges-too-much": "spare",
    "acl-ignored": "coordination",
    "multi-in-part": "coordination",
    "answer-of-later": "zxids",
}


def run(check, options, defect):
    """The exit code of a check, its last words, and how long it took."""
    script, *arguments = CHECKS[check]
    command = [sys.executable, HERE / script, "--server", options.server, *arguments]
    if script == "histories.py":
        command += ["--zabcheck", options.zabcheck]
    environment = {**os.environ, "ZAB_DEADLINE_S": DEADLINE_S}
    environment.pop("ZAB_SERVER_MUTANT", None)
    if defect:
        environment["ZAB_SERVER_MUTANT"] = defect
    begun = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("FAIL")]
    return done.returncode, (said or [""])[-1], time.monotonic() - begun


def main():
    parser = Parser(description="defects of the server, and what finds them")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DEFECTS))
    parser.add_argument("--server", default="target/debug/zab-server", help="built with mutants")
    parser.add_argument("--zabcheck", default="target/debug/zabcheck", help="the binary")
    options = parser.parse_args()
    chosen = {name: DEFECTS[name] for name in options.names or DEFECTS if name in DEFECTS}
    if len(chosen) < len(options.names):
        parser.error("no such defect: " + ", ".join(set(options.names) - set(DEFECTS)))
    unknown = {**os.environ, "ZAB_SERVER_MUTANT": "none"}
    asked = [options.server, "--standalone", os.devnull]
    if b"no such mutant" not in subprocess.run(asked, env=unknown, capture_output=True).stderr:
        parser.error(f"{options.server} was built without the feature mutants")
    bad = 0
    for check in dict.fromkeys(chosen.values()):
        code, said, took = run(check, options, None)
        print(f"{'ok  ' if code == 0 else 'FAIL'} {check}, no defect: {took:.0f} s {said}", flush=True)
        bad += code != 0
    for defect, check in chosen.items():
        code, said, took = run(check, options, defect)
        found = f"found by {check}" if code == 1 else f"SURVIVES {check} (exit code {code})"
        print(f"{'ok  ' if code == 1 else 'FAIL'} {defect}: {found}, {took:.0f} s: {said}", flush=True)
        bad += code != 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
