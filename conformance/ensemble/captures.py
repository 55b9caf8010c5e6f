#!/usr/bin/env python3
"""Records every scenario of captures many times, on Apache's servers, on zab-servers and on each mix of
three, follows every step with `zabcheck conform`, and prints a table.

usage: captures.py --zabcheck target/release/zabcheck [--seeds 20] [--targets apache,zab-server,mixed]
                   [--jobs 2] [--results FILE] [--table]

Most of a run is waiting, so --jobs makes some at once. With --results FILE each run is one line of JSON in
FILE, and a run that FILE has of the same build, ensemble, scenario and seed is not made again; so a session
that was ended is continued by the same command. The table is of all runs in FILE. --table prints it and
makes no run.

It exits 1 if there is a false alarm, and 2 if too little is known. A false alarm is: a capture that
diverges from its own release; a property that is violated in a run of zab-servers; and one that is violated
in a run with Apache's servers, unless it is one that their known faults violate in that scenario.
A capture of a run that did not come to its end is checked as well, as far as it goes.
"""

import argparse
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
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
        self.runs = self.unfinished = self.messages = self.packets = self.ways = self.largest = 0
        self.recording = self.checking = 0.0
        self.verdicts = {}
        self.violated = {}

    def add(self, run):
        self.runs += 1
        self.unfinished += run["recorded"] not in (0, 1)
        self.recording += run["recording"]
        self.checking += run["checking"]
        self.messages += run["messages"]
        self.packets += run["packets"]
        self.ways += run["ways"]
        self.largest = max(self.largest, run["largest"])
        verdict = run["verdict"]
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        for rule in run["violated"]:
            self.violated[rule] = self.violated.get(rule, 0) + 1

    def cells(self, ensemble, scenario):
        counts = lambda of: ", ".join(f"{name} {count}" for name, count in sorted(of.items()))
        return [
            ensemble, scenario, str(self.runs), str(self.unfinished), str(self.messages),
            f"{self.ways / max(self.packets, 1):.1f}", str(self.largest),
            f"{self.recording / self.runs:.1f}", f"{self.checking / self.runs:.2f}",
            counts(self.verdicts), counts(self.violated),
        ]


HEAD = [
    "ensemble", "scenario", "runs", "unfinished", "messages", "ways a packet", "most",
    "seconds to record", "to check", "verdicts", "violated",
]


def alarm(run):
    """Why a verdict is a false alarm; None if it is none."""
    if run["verdict"] in ("DIVERGES", "REFUSED"):
        return run["verdict"]
    known = set() if run["ensemble"] == "zab-server" else KNOWN.get(run["scenario"], set())
    return ", ".join(sorted(set(run["violated"]) - known)) or None


def build_of(zabcheck):
    """What tells one build of the programs from another: the version, and the bytes of both."""
    version = subprocess.run([zabcheck, "--version"], check=True, capture_output=True, text=True).stdout
    digest = hashlib.sha256()
    beside = os.path.join(os.path.dirname(os.path.realpath(zabcheck)), "zab-server")
    for program in (os.path.realpath(zabcheck), beside):
        if os.path.exists(program):
            with open(program, "rb") as file:
                digest.update(file.read())
    return f"{version.strip()} {digest.hexdigest()[:12]}"


KEY = ("build", "ensemble", "scenario", "seed", "duration")


def key_of(run):
    """Two runs with the same key are one run made twice."""
    return tuple(run[part] for part in KEY)


class Results:
    """All runs that are known, and the file that has them."""

    def __init__(self, path):
        self.path, self.lock, self.runs = path, threading.Lock(), []
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    try:
                        self.runs.append(json.loads(line))
                        key_of(self.runs[-1])
                    except (ValueError, KeyError, TypeError):
                        sys.exit(f"{path}, line {number}: it is no run")
        self.known = {key_of(run) for run in self.runs}

    def add(self, run):
        with self.lock:
            self.runs.append(run)
            if self.path:
                with open(self.path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(run) + "\n")


class Runner:
    """Makes runs, some at once."""

    def __init__(self, args, build, results, todo):
        self.args, self.build, self.results = args, build, results
        self.todo, self.total = queue.SimpleQueue(), len(todo)
        for one in todo:
            self.todo.put(one)
        self.folder = tempfile.mkdtemp(prefix="captures-", dir=args.keep)
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.processes, self.done, self.begin, self.failed = set(), 0, time.monotonic(), None

    def call(self, command, log):
        """Runs a command to its end; None if the session ends before it begins."""
        with self.lock:
            if self.stop.is_set():
                return None
            # A Ctrl-C on the terminal is for this program, which passes it on.
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            self.processes.add(process)
        try:
            return process.wait()
        finally:
            with self.lock:
                self.processes.discard(process)

    def end(self):
        """No run is begun any more, and those under way end as by Ctrl-C."""
        with self.lock:
            self.stop.set()
            for process in self.processes:
                process.send_signal(signal.SIGINT)

    def work(self):
        """What each worker does: run after run, to the end of all."""
        while not self.stop.is_set():
            try:
                one = self.todo.get_nowait()
            except queue.Empty:
                return
            try:
                self.one(*one)
            except Exception as error:  # pylint: disable=broad-except
                self.failed = self.failed or error
                self.end()

    def one(self, ensemble, flags, rules, scenario, seed):
        """Records one run and checks it."""
        args = self.args
        name = f"{ensemble.replace(' ', '-').replace(',', '')}-{scenario}-{seed}"
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        out, checked = os.path.join(folder, "run"), os.path.join(folder, "conform.json")
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            record = [args.zabcheck, "record", *flags, "--scenario", scenario, "--seed", str(seed)]
            record += ["--duration", str(args.duration), "--rounds", "2", "--out", out]
            begin = time.monotonic()
            recorded = self.call(record, log)
            recording = time.monotonic() - begin
            if self.stop.is_set():
                return
            if not os.path.exists(os.path.join(out, "capture.raw.ndjson")):
                raise RuntimeError(f"{folder}: nothing was recorded (exit code {recorded}); see {log.name}")
            begin = time.monotonic()
            self.call([args.zabcheck, "conform", out, *rules, "--json", checked], log)
            checking = time.monotonic() - begin
        if self.stop.is_set():
            return
        with open(checked, encoding="utf-8") as text:
            capture = json.load(text)["captures"][0]
        servers = (capture["steps"] or {"servers": []})["servers"]
        run = {
            "build": self.build, "ensemble": ensemble, "scenario": scenario, "seed": seed,
            "duration": args.duration if scenario == "random" else None,
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "load": round(os.getloadavg()[0], 1),
            "recorded": recorded, "recording": round(recording, 2), "checking": round(checking, 3),
            "messages": capture["messages"], "verdict": capture["verdict"], "reason": capture["reason"],
            "packets": sum(server["packets"] for server in servers),
            "ways": sum(server["nodes"] for server in servers),
            "largest": max((server["largest"] for server in servers), default=0),
            "violated": sorted({finding["rule"] for finding in capture["findings"]}),
        }
        self.results.add(run)
        self.tell(run, folder)

    def tell(self, run, folder):
        """One line of progress; what nobody needs any more is removed."""
        why = alarm(run)
        # The whole folder of a run is a hundred megabytes; its capture and logs say what happened.
        for server in os.listdir(os.path.join(folder, "run")):
            shutil.rmtree(os.path.join(folder, "run", server, "data"), ignore_errors=True)
        is_kept = self.args.keep or why or run["verdict"] == "INCONCLUSIVE" or run["recorded"] not in (0, 1)
        if not is_kept:
            shutil.rmtree(folder)
        with self.lock:
            self.done += 1
            passed = time.monotonic() - self.begin
            left = passed / self.done * (self.total - self.done)
            reason = f" ({run['reason']})" if run["reason"] else ""
            found = f" {', '.join(run['violated'])}" if run["violated"] else ""
            note = f"  FALSE ALARM: {why}" if why else ""
            kept = f"  kept in {folder}" if is_kept else ""
            print(f"[{self.done} of {self.total}, {passed / 60:.0f} min, {left / 60:.0f} min left] "
                  f"{run['ensemble']} {run['scenario']} seed {run['seed']}: {run['recording']:.0f} s, record "
                  f"{run['recorded']}, {run['messages']} messages, {run['verdict']}{found}{reason}{note}{kept}",
                  flush=True)

    def run(self):
        """Makes all runs."""
        workers = [threading.Thread(target=self.work) for _ in range(self.args.jobs)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            self.end()
            for worker in workers:
                worker.join()
            print("interrupted: what follows is of the runs until then")
        if self.failed:
            raise self.failed
        if not os.listdir(self.folder):
            os.rmdir(self.folder)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--zabcheck", help="the program (needed but for --table)")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--targets", default="apache,zab-server,mixed")
    parser.add_argument("--scenarios", help="names, with commas (default: all but the longest)")
    parser.add_argument("--duration", type=int, default=15, help="seconds of the scenario random")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once")
    parser.add_argument("--results", help="file of all runs, which is continued")
    parser.add_argument("--table", action="store_true", help="print the table of --results and end")
    parser.add_argument("--keep", help="folder for the runs; false alarms and what is not known are kept "
                                       "in any case")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("--jobs needs a positive number")
    if args.table and not args.results:
        parser.error("--table needs --results")
    if not args.table and not args.zabcheck:
        parser.error("--zabcheck is needed")
    return args


def main():
    args = arguments()
    results = Results(args.results)
    if args.table:
        return summary(results.runs)
    build = build_of(args.zabcheck)
    names = subprocess.run(
        [args.zabcheck, "record", "--names", "--wire"], check=True, capture_output=True, text=True
    ).stdout.split()
    scenarios = args.scenarios.split(",") if args.scenarios else [n for n in names if n not in LONG]
    todo = [
        (ensemble, flags, rules, scenario, seed)
        for seed in range(args.first_seed, args.first_seed + args.seeds)
        for scenario in scenarios
        for ensemble, flags, rules in targets(args.targets.split(","))
        if (build, ensemble, scenario, seed, args.duration if scenario == "random" else None)
        not in results.known
    ]
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    # In the background of a shell a program starts with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    Runner(args, build, results, todo).run()
    return summary(results.runs)


def summary(runs):
    """Prints the table; the exit code."""
    rows = {}
    for run in runs:
        rows.setdefault((run["ensemble"], run["scenario"]), Row()).add(run)
    table = [HEAD] + [row.cells(*key) for key, row in sorted(rows.items())]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    alarms = [(run, alarm(run)) for run in runs if alarm(run)]
    unknown = [run for run in runs if run["verdict"] == "INCONCLUSIVE"]
    if runs:
        loads = sorted(run["load"] for run in runs)
        print(f"{min(run['date'] for run in runs)} to {max(run['date'] for run in runs)}; load average "
              f"{loads[0]} to {loads[-1]}, half of them below {loads[len(loads) // 2]}")
    print(f"{len(runs)} runs: {len(alarms)} false alarms, {len(unknown)} inconclusive "
          f"({len(unknown) / max(len(runs), 1):.1%})")
    for kind, some in [("false alarm", alarms), ("inconclusive", [(run, run["reason"]) for run in unknown])]:
        for run, why in some:
            print(f"{kind}: {run['ensemble']} {run['scenario']} seed {run['seed']} ({run['build']}): {why}")
    if alarms:
        return 1
    return 0 if runs and len(unknown) < INCONCLUSIVE_MAX * len(runs) else 2


if __name__ == "__main__":
    sys.exit(main())
