"""The machine and the programs that are measured on it."""

import datetime
import json
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path


def file_system(path):
    """The type of the file system that a folder lies on."""
    path = os.path.realpath(path)
    mounts = [line.split()[:3] for line in Path("/proc/mounts").read_text().splitlines()]
    # Of two at the same point the later one is seen.
    over = [(len(point), kind) for _, point, kind in mounts if f"{path}/".startswith(f"{point.rstrip('/')}/")]
    longest = max(length for length, _ in over)
    return [kind for length, kind in over if length == longest][-1]


def available_memory():
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found.group(1)) * 1024


def shares_blocks(folder):
    """Whether the file system would give `cp` a copy that shares its blocks with the original."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        original = Path(own) / "original"
        original.write_bytes(bytes(1 << 16))
        command = ["cp", "--reflink=always", original, Path(own) / "copy"]
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def processor():
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def output(*command, folder=None):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


# The wheel's libsodium does not tell its version; the package's own history does.
PYNACL_VERSIONS = """
import importlib.metadata as metadata, re
package = metadata.metadata("PyNaCl")
found = re.search(r"[Uu]pdated `*libsodium`* to ([\\w.-]*\\w)", package.get_payload() or package["Description"] or "")
print(package["Version"], found.group(1) if found else "of unknown version")
"""


def describe(programs, options):
    """What the figures depend on, as pairs of a name and a text."""
    pynacl, _, libsodium = output(str(programs.python), "-c", PYNACL_VERSIONS).partition(" ")
    tweetnacl, sealed_box = (
        json.loads((programs.node_modules / name / "package.json").read_text())["version"]
        for name in ("tweetnacl", "tweetnacl-sealedbox-js")
    )
    commit = output("git", "describe", "--always", "--dirty", folder=Path(__file__).resolve().parent)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return [
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("machine", f"{processor()}, {os.cpu_count()} processors, {memory:.0f} GiB of memory"),
        ("system", f"{platform.system()} {platform.release()}, disk folder on {file_system(options.disk)}"),
        ("load before", f"{os.getloadavg()[0]:.2f} (1 minute)"),
        ("saltbridge", f"{output(str(programs.saltbridge), '--version').removeprefix('saltbridge ')}, commit {commit}"),
        ("PyNaCl", f"{pynacl}, libsodium {libsodium}, {output(str(programs.python), '--version')}"),
        ("tweetnacl", f"{tweetnacl}, tweetnacl-sealedbox-js {sealed_box}, Node {output('node', '--version')}"),
        ("cp", output("cp", "--version").partition("\n")[0].removeprefix("cp ")),
        ("rounds", f"{options.discard} discarded, {options.rounds} counted"),
    ]
