"""Power cuts for server processes: SIGKILL, and then the disk loses what was not synced.

A SIGKILL alone loses nothing that was written: the system still has it. So each server runs under
strace, which writes down what it does with its files, in order. At a power cut the files of its data
directory become what a disk may hold then: of each file what was there when its last fsync or
fdatasync began, and any part of what was written since; new names and new content under an old name
only if the directory was synced since, and otherwise by chance.

strace and not a file system of its own, nor a library between server and system: it needs no root, no
compiler and no change of the server, and it sees every system call, however the server makes it.
"""

import pathlib
import re
import shutil
import subprocess

from ensemble import Ensemble, eventually, require

CALLS = "openat,write,fsync,fdatasync,rename,unlink,ftruncate"
LINE = re.compile(r"(\d+) +(.*)")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>")
DESCRIPTOR = re.compile(r"(\w+)\(\d+<([^>]*)>")
OPENED = re.compile(r'openat\([^"]*"([^"]*)", ([A-Z_|]+)')
NAMED = re.compile(r'(\w+)\("([^"]*)"(?:, "([^"]*)")?')
WRITTEN = re.compile(r'write\(\d+<[^>]*>, "([0-9a-zA-Z]*)", \d+\)')
RESULT = re.compile(r"= (-?\d+)")
# Files of this size and below are read before they may be replaced.
SMALL = 32


class File:
    """What is known of one file."""

    def __init__(self, size=0, synced=0, named=False, content=None):
        self.size, self.synced, self.named = size, synced, named
        # All of it, if it is short.
        self.content = content
        # What the name held before a rename that is not durable: a path and a short content.
        self.before = None


class Disk:
    """The files of one server as its calls have left them."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.files = {}
        self.pending = {}
        for path in pathlib.Path(folder).rglob("*"):
            if path.is_file():
                size = path.stat().st_size
                content = path.read_bytes().decode("latin1") if size <= SMALL else None
                # What the last power cut has left is what the disk has.
                self.files[str(path)] = File(size, size, True, content)

    def read(self, lines):
        for line in lines:
            found = LINE.match(line)
            if not found:
                continue
            thread, call = found.groups()
            if resumed := RESUMED.match(call):
                begun = self.pending.pop(thread, None)
                if begun:
                    self.end(begun[0] + call[resumed.end() :], begun[1])
            elif call.endswith("<unfinished ...>"):
                call = call.removesuffix("<unfinished ...>")
                self.pending[thread] = (call, self.covered(call))
            else:
                self.end(call, self.covered(call))

    def covered(self, call):
        """As a sync begins: how much of the file it covers."""
        found = DESCRIPTOR.match(call)
        file = found and self.files.get(found[2])
        return file.size if file and found[1] in ("fsync", "fdatasync") else 0

    def end(self, call, covered):
        """A call has returned."""
        result = RESULT.findall(call)
        if not result or int(result[-1]) < 0:
            return
        if found := OPENED.match(call):
            self.opened(found[1], found[2])
        elif (found := DESCRIPTOR.match(call)) and found[2].startswith(self.folder):
            self.changed(found[1], found[2], call, int(result[-1]), covered)
        elif (found := NAMED.match(call)) and found[2].startswith(self.folder):
            if found[1] == "unlink":
                self.files.pop(found[2], None)
            elif found[1] == "rename" and found[2] in self.files:
                file, old = self.files.pop(found[2]), self.files.get(found[3])
                file.before = (found[2], old.content if old else None, old is not None)
                self.files[found[3]] = file

    def opened(self, path, flags):
        if not path.startswith(self.folder) or "O_CREAT" not in flags:
            return
        if path not in self.files:
            self.files[path] = File(content="")
        elif "O_TRUNC" in flags:
            file = self.files[path]
            file.size, file.synced, file.content = 0, 0, ""

    def changed(self, call, path, text, result, covered):
        if call in ("fsync", "fdatasync"):
            if path in self.files:
                self.files[path].synced = max(self.files[path].synced, covered)
            for other, file in self.files.items():
                # A directory.
                if other.rpartition("/")[0] == path:
                    file.named, file.before = True, None
        elif path in self.files and call == "write":
            file, short = self.files[path], WRITTEN.match(text)
            file.size += result
            known = short and file.content is not None and file.size <= SMALL
            file.content = file.content + short[1] if known else None
        elif path in self.files and call == "ftruncate":
            length = int(re.search(r">, (\d+)\)", text)[1])
            file = self.files[path]
            file.size, file.synced = length, min(file.synced, length)

    def lose(self, chance, told):
        """Makes the files what a disk may hold. `told` counts what was lost."""
        for path, file in self.files.items():
            path = pathlib.Path(path)
            if not path.exists():
                continue
            if file.before and chance.random() < 0.5:
                temporary, content, was_there = file.before
                if not was_there:
                    path.rename(temporary)
                    told["renames"] += 1
                elif content is not None:
                    path.write_bytes(content.encode("latin1"))
                    told["renames"] += 1
                continue
            if not file.named and chance.random() < 0.5:
                path.unlink()
                told["files"] += 1
                continue
            size = path.stat().st_size
            kept = min(file.synced, size)
            if size > kept and chance.random() < 0.5:
                kept = chance.randint(kept, size)
            if size > kept:
                told["bytes"] += size - kept
                with open(path, "r+b") as handle:
                    handle.truncate(kept)


class Powered(Ensemble):
    """Three servers whose power can be cut."""

    # With this, no sync of a log has any effect: what must be found out then.
    lying = False

    def __init__(self, binary, folder):
        super().__init__(binary, folder)
        require(shutil.which("strace"), "strace is missing: apt-get install strace")
        self.disks = {}
        self.lost = {"bytes": 0, "files": 0, "renames": 0}

    def calls(self, server):
        return self.folder / f"calls-{server}.txt"

    def start(self, server):
        data = self.folder / str(server)
        self.disks[server] = Disk(data)
        # -D: the process that is started here is the server, and the tracer its grandchild.
        command = ["strace", "-D", "-f", "-q", "-y", "--seccomp-bpf", "-e", f"trace={CALLS}"]
        command += ["-e", "signal=SIGKILL", "-o", self.calls(server), self.binary, data / "zoo.cfg"]
        if self.traces:
            command += ["--trace", self.traces]
        with open(data / "log.txt", "ab") as log:
            self.processes[server] = subprocess.Popen(command, stdout=log, stderr=log)

    def cut(self, servers, chance):
        """The power of these servers fails, all at once."""
        for server in servers:
            self.processes[server].kill()
        for server in servers:
            process = self.processes.pop(server)
            process.wait()
            ended = re.compile(rf"^{process.pid} +\+\+\+ killed by SIGKILL", re.MULTILINE)
            text = lambda: self.calls(server).read_text(errors="replace")
            eventually(lambda: ended.search(text()), "the end of the server's calls")
            calls = text().splitlines()
            if self.lying:
                calls = [call for call in calls if not ("sync(" in call and "/log." in call)]
            self.disks[server].read(calls)
            self.disks[server].lose(chance, self.lost)
