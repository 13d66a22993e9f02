"""A bridge and an emulated Ledger in folders of their own, and what the system says of the bridge's process."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

from measure import Failed

PATIENCE = 20
STATUS = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Home:
    """The folders of a user who has nothing else."""

    def __init__(self, program, path):
        self.program, self.path = program, path
        names = {"HOME": "home", "XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SALTBRIDGE_", "XDG_"))}
        self.environment = {**kept, **{name: str(path / folder) for name, folder in names.items()}}
        for folder in names.values():
            (path / folder).mkdir(mode=0o700)

    def start(self, *arguments, **streams):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams}
        return subprocess.Popen([self.program, *arguments], cwd=self.path, env=self.environment, **streams)

    def run(self, *arguments):
        child = self.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told, errors = child.communicate(timeout=PATIENCE * 10)
        if child.returncode != 0:
            raise Failed(f"saltbridge {arguments[0]}: {(errors or told).strip()}")
        return told


class Running:
    """A process that is ended with the block."""

    def __init__(self, child):
        self.child = child

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def said(child, log, pattern):
    """Waits until a program has written this to its log."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and child.poll() is None:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found.group()
        time.sleep(0.01)
    raise Failed(f"{child.args[1]} does not start: {log.read_text(errors='replace').strip()}")


class Emulator(Running):
    """A Ledger in software that approves whatever it is asked."""

    def __init__(self, home):
        log = home.path / "emulate.log"
        with open(log, "wb") as file:
            super().__init__(home.start("emulate", "--approve", "always", "--listen", "127.0.0.1:0", stderr=file))
        self.device = said(self.child, log, r"speculos://[\d.:]+\d")


class Bridge(Running):
    """`saltbridge serve` at a port that is free."""

    def __init__(self, home, arguments):
        self.log, self.socket = home.path / "serve.log", home.path / "run" / "saltbridge.sock"
        with open(self.log, "wb") as log:
            super().__init__(home.start("serve", "--port", "0", *arguments, stderr=log))
        self.process = Path("/proc") / str(self.child.pid)

    def wait_for_status(self, pause=0.01):
        """Asks until it is answered."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.child.poll() is None:
            if self.answers():
                return
            time.sleep(pause)
        raise Failed(f"the bridge does not answer: {self.log.read_text(errors='replace').strip()}")

    def answers(self):
        with socket.socket(socket.AF_UNIX) as stream:
            try:
                stream.connect(str(self.socket))
                stream.sendall(STATUS)
                return stream.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
            except OSError:
                return False

    def authority(self):
        return said(self.child, self.log, r"http://127\.0\.0\.1:\d+").removeprefix("http://")

    def ticks(self):
        """Processor time, of the program and of the system for it, in ticks of the clock (proc_pid_stat(5))."""
        fields = (self.process / "stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def rss(self):
        return int((self.process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def pss(self):
        """None if the system does not let it be read: the process is none that others may look into."""
        try:
            text = (self.process / "smaps_rollup").read_text()
        except OSError:
            return None
        return int(re.search(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE).group(1)) * 1024

    def threads(self):
        return len(list((self.process / "task").iterdir()))
