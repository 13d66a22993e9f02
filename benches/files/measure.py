"""Runs contenders, each as a whole process, in rounds whose order changes, and checks what they wrote."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Optional

CHUNK = 1 << 20


class Failed(Exception):
    """The benchmark cannot be had here, or a contender is wrong. The message is for the person."""


def say(text):
    print(text, file=sys.stderr, flush=True)


@dataclass
class Sample:
    """One run: seconds by the clock, seconds of both kinds of processor time, most memory at once in bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass
class Contender:
    """A program that turns the group's input into files in the folder `out`."""

    name: str
    argv: List[str]
    # The bytes of each file that it writes.
    size: int
    # Compares what it wrote with what it should have, byte for byte.
    check: Callable[[Path], None]
    folder: Optional[Path] = None


@dataclass
class Group:
    """Contenders that are measured in the same rounds, and what they gave, in the rounds' order."""

    name: str
    title: str
    bytes: int
    files: int
    base: Optional[str]
    samples: Dict[str, List[Sample]] = field(default_factory=dict)

    def ratio(self, subject, base):
        """How many times as fast `subject` is as `base`: the median over the rounds."""
        pairs = zip(self.samples[subject], self.samples[base])
        return statistics.median(base.wall / subject.wall for subject, base in pairs)

    def peak(self, name):
        return max(sample.peak for sample in self.samples[name])

    def figures(self):
        return {name: [asdict(sample) for sample in samples] for name, samples in self.samples.items()}


class Runner:
    """Starts programs with a plain environment, without a terminal, and measures them. What they say goes to a file in
    `scratch`, which is in memory, lest the disk that is measured be written to."""

    def __init__(self, node_modules, scratch):
        self.scratch = scratch
        self.time = shutil.which("time")
        if self.time is None:
            raise Failed("GNU time is missing; it tells peak memory: sudo apt-get install time")
        passed = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        self.environment = {**passed, "LC_ALL": "C", "NODE_PATH": str(node_modules)}

    def run(self, argv, folder=None, name=None):
        # GNU time stands between, because a process inherits the peak of the one that started it: a child of this
        # interpreter would never seem to need less than the interpreter. It costs all contenders the same.
        own = self.scratch
        with tempfile.NamedTemporaryFile(mode="r", dir=own) as peak, tempfile.TemporaryFile(dir=own) as log:
            command = [self.time, "-q", "-f", "%M", "-o", peak.name, *map(str, argv)]
            started = time.monotonic()
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            wall = time.monotonic() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                log.seek(0)
                said = log.read()[-2000:].decode(errors="replace")
                raise Failed(f"{name or Path(argv[0]).name} failed ({process.returncode}):\n{said}")
            return Sample(wall, usage.ru_utime + usage.ru_stime, int(peak.read()) * 1024)

    def into(self, out, contender):
        """Measures one run into a fresh folder. Nobody pays for what another left to be written back."""
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        os.sync()
        return self.run(contender.argv, contender.folder, contender.name)


def measure(group, contenders, runner, out, rounds, discard):
    """Fills the group's samples. Every round has every contender once; the results of the rounds that do not count are
    compared byte for byte, those of the others by their number and sizes."""
    group.samples = {contender.name: [] for contender in contenders}
    for number in range(discard + rounds):
        counts = number >= discard
        for contender in order(contenders, number):
            sample = runner.into(out, contender)
            check_sizes(contender, out, group.files)
            if not counts or number == 0:
                contender.check(out)
            shutil.rmtree(out)
            if counts:
                group.samples[contender.name].append(sample)
            note = "" if counts else " (discarded)"
            say(f"{group.title}, round {number + 1} of {discard + rounds}{note}: {contender.name} {sample.wall:.3f} s")


def order(contenders, number):
    """Begins with another contender each round, and goes backwards in every other one."""
    start = number % len(contenders)
    rotated = contenders[start:] + contenders[:start]
    return rotated[::-1] if number % 2 else rotated


def check_sizes(contender, out, files):
    sizes = [entry.stat().st_size for entry in os.scandir(out)]
    if sizes != [contender.size] * files:
        raise Failed(f"{contender.name} did not write {files} files of {contender.size} bytes")


def compare(name, written, expected):
    """That two files are the same, byte for byte."""
    with open(written, "rb") as one, open(expected, "rb") as other:
        while True:
            part = one.read(CHUNK)
            if part != other.read(CHUNK):
                raise Failed(f"{name} is wrong: {written.name} is not what it should be")
            if not part:
                return


def only_file(out):
    (path,) = out.iterdir()
    return path


def write_random(path, size):
    with open(path, "wb") as file:
        for start in range(0, size, CHUNK):
            file.write(os.urandom(min(CHUNK, size - start)))
