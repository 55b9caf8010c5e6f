#!/usr/bin/env python3
"""Records every scenario of captures many times, on Apache's servers, on zab-servers and on each mix of
three, follows every step with `zabcheck conform`, and prints a table.

usage: captures.py --zabcheck target/release/zabcheck [--seeds 20] [--targets apache,zab-server,mixed]

It exits 1 if there is a false alarm, and 2 if too little is known. A false alarm is: a capture that
diverges from its own release; a property that is violated in a run of zab-servers; and one that is violated
in a run with Apache's servers, unless it is one that their known faults violate in that scenario.
A capture of a run that did not come to its end is checked as well, as far as it goes.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SPLITS = ["1", "2", "3", "1,2", "1,3", "2,3"]

# What is known to be violated in runs with servers of Apache ZooKeeper, by scenario
# (docs/src/findings/stale-acknowledgement.md; ZOOKEEPER-4785 for W-ACKNOWLEDGED).
STALE = {"W-QUORUM", "W-COMMITTED", "W-CLIENT"}
KNOWN = {
    "kill-at-newleader-ack": {"W-ACKNOWLEDGED"},
    "stale-ack": STALE,
    "stale-ack-late": STALE,
    "truncate-first": {"W-QUORUM"},
    "truncate-after-snap": {"W-QUORUM"},
    "random": STALE | {"W-ACKNOWLEDGED"},
}
# These take long: they are not recorded unless they are named.
LONG = {"snapshot-far"}
# Of all captures, so many may be inconclusive.
INCONCLUSIVE_MAX = 0.02


def targets(names):
    """What `record` is told, what `conform` is told, and how it is called."""
    for name in names:
        if name == "apache":
            yield "Apache", ["--target", "apache"], []
        elif name == "zab-server":
            yield "zab-server", ["--target", "zab-server", "--wire"], ["--profile", "fixed"]
        elif name == "mixed":
            for split in SPLITS:
                run = ",".join(f"{server}=zab-server" for server in split.split(","))
                yield f"mixed {split}", ["--target", "mixed", "--run", run], []
        else:
            sys.exit(f"no target is named {name}; expected apache, zab-server, mixed")


class Row:
    """What became of the runs of one scenario on one kind of ensemble."""

    def __init__(self):
        self.runs = self.unfinished = self.messages = self.packets = self.nodes = self.largest = 0
        self.seconds = 0.0
        self.verdicts = {}
        self.violated = {}

    def add(self, recorded, capture, seconds):
        self.runs += 1
        self.unfinished += recorded not in (0, 1)
        self.seconds += seconds
        verdict = capture["verdict"]
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        self.messages += capture["messages"]
        for server in (capture["steps"] or {"servers": []})["servers"]:
            self.packets += server["packets"]
            self.nodes += server["nodes"]
            self.largest = max(self.largest, server["largest"])
        for rule in {finding["rule"] for finding in capture["findings"]}:
            self.violated[rule] = self.violated.get(rule, 0) + 1

    def cells(self, ensemble, scenario):
        counts = lambda of: ", ".join(f"{name} {count}" for name, count in sorted(of.items()))
        return [
            ensemble, scenario, str(self.runs), str(self.unfinished), str(self.messages),
            f"{self.nodes / max(self.packets, 1):.1f}", str(self.largest), f"{self.seconds:.1f}",
            counts(self.verdicts), counts(self.violated),
        ]


HEAD = [
    "ensemble", "scenario", "runs", "unfinished", "messages", "ways a packet", "most", "seconds",
    "verdicts", "violated",
]


def alarm(ensemble, scenario, capture):
    """Why a verdict is a false alarm; None if it is none."""
    if capture["verdict"] in ("DIVERGES", "REFUSED"):
        return capture["verdict"]
    found = {finding["rule"] for finding in capture["findings"]}
    known = set() if ensemble == "zab-server" else KNOWN.get(scenario, set())
    return ", ".join(sorted(found - known)) or None


class Interrupted(Exception):
    """Somebody asks for the end."""


def call(command, log):
    """Runs a command to its end; passes an interruption on to it, and waits for it."""
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise Interrupted from None


def one(args, ensemble, flags, rules, scenario, seed, folder):
    """Records one run and checks it: the exit code of `record`, what `conform` says, and its seconds."""
    run = os.path.join(folder, f"{ensemble.replace(' ', '-').replace(',', '')}-{scenario}-{seed}")
    os.makedirs(run)
    out, result = os.path.join(run, "run"), os.path.join(run, "conform.json")
    with open(os.path.join(run, "log"), "w", encoding="utf-8") as log:
        record = [args.zabcheck, "record", *flags, "--scenario", scenario, "--seed", str(seed)]
        record += ["--duration", str(args.duration), "--rounds", "2", "--out", out]
        recorded = call(record, log)
        if not os.path.exists(os.path.join(out, "capture.raw.ndjson")):
            sys.exit(f"{run}: nothing was recorded (exit code {recorded}); see {log.name}")
        begin = time.monotonic()
        call([args.zabcheck, "conform", out, *rules, "--json", result], log)
        seconds = time.monotonic() - begin
    with open(result, encoding="utf-8") as text:
        return recorded, json.load(text)["captures"][0], seconds, run


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--zabcheck", required=True)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--targets", default="apache,zab-server,mixed")
    parser.add_argument("--scenarios", help="names, with commas (default: all but the longest)")
    parser.add_argument("--duration", type=int, default=15, help="seconds of the scenario random")
    parser.add_argument("--keep", help="folder for the runs; those with a false alarm are kept in any case")
    args = parser.parse_args()
    names = subprocess.run(
        [args.zabcheck, "record", "--names", "--wire"], check=True, capture_output=True, text=True
    ).stdout.split()
    scenarios = args.scenarios.split(",") if args.scenarios else [n for n in names if n not in LONG]
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="captures-", dir=args.keep)
    rows, alarms = {}, []
    try:
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            for scenario in scenarios:
                for ensemble, flags, rules in targets(args.targets.split(",")):
                    recorded, capture, seconds, run = one(
                        args, ensemble, flags, rules, scenario, seed, folder
                    )
                    rows.setdefault((ensemble, scenario), Row()).add(recorded, capture, seconds)
                    why = alarm(ensemble, scenario, capture)
                    if why:
                        alarms.append(f"{run}: {why}")
                    note = f"  FALSE ALARM: {why}" if why else ""
                    reason = f" ({capture['reason']})" if capture["reason"] else ""
                    print(f"{ensemble} {scenario} seed {seed}: record {recorded}, "
                          f"{capture['messages']} messages, {capture['verdict']}{reason}{note}",
                          flush=True)
                    if not args.keep and not why:
                        shutil.rmtree(run)
    except (Interrupted, KeyboardInterrupt):
        print("interrupted: what follows is of the runs until then")
    return summary(rows, alarms)


def summary(rows, alarms):
    """Prints the table; the exit code."""
    table = [HEAD] + [row.cells(*key) for key, row in sorted(rows.items())]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    runs = sum(row.runs for row in rows.values())
    unknown = sum(row.verdicts.get("INCONCLUSIVE", 0) for row in rows.values())
    print(f"{runs} runs: {len(alarms)} false alarms, {unknown} inconclusive "
          f"({unknown / max(runs, 1):.1%})")
    for why in alarms:
        print(f"false alarm: {why}")
    if alarms:
        return 1
    return 0 if runs and unknown < INCONCLUSIVE_MAX * runs else 2


if __name__ == "__main__":
    sys.exit(main())
