"""What is measured: the groups of `make bench`, their inputs and their contenders."""

import contextlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import Contender, Failed, Group, compare, measure, only_file, say, write_random
from report import human
from surroundings import available_memory, file_system, shares_blocks

HERE = Path(__file__).resolve().parent
# What a sealed box adds to a file.
OVERHEAD = 48
# How often a file's size the greediest contender, tweetnacl when it seals, needs in memory.
COPIES_IN_MEMORY = 4.2
THREADS = 2


@dataclass
class Options:
    """What the command line asks for, in bytes and counts."""

    size: int
    files: int
    file_size: int
    peak_size: int
    rounds: int
    discard: int
    tmpfs: Path
    disk: Path


class Programs:
    """The command lines of the contenders."""

    def __init__(self, target):
        self.saltbridge = target / "release" / "saltbridge"
        self.plain_files = target / "release" / "examples" / "plain-files"
        self.python = target / "bench" / "venv" / "bin" / "python"
        self.node_modules = target / "bench" / "node_modules"
        for path in (self.saltbridge, self.plain_files, self.python, self.node_modules):
            if not path.exists():
                raise Failed(f"{path} is missing: run make bench")

    def pynacl(self, *arguments):
        return [str(self.python), str(HERE / "pynacl_box.py"), *map(str, arguments)]

    def tweetnacl(self, *arguments):
        return ["node", str(HERE / "tweetnacl_box.js"), *map(str, arguments)]

    def decrypt(self, files, key_file, out):
        options = ["--key-file", str(key_file), "--output-dir", str(out)]
        return [str(self.saltbridge), "decrypt", *map(str, files), *options]

    def encrypt(self, files, public_key, out):
        return [str(self.saltbridge), "encrypt", *map(str, files), "--to", public_key, "--output-dir", str(out)]


class Desk:
    """A folder that is removed at the end, with a fresh key pair in it."""

    def __init__(self, folder, programs, runner):
        self.folder = folder
        self.programs = programs
        self.runner = runner
        self.out = folder / "out"
        self.key_file = folder / "numerbay.json"
        runner.run(programs.pynacl("key", self.key_file))
        self.public_key = json.loads(self.key_file.read_text())["public_key"]

    def seals(self, plain, name):
        """A check that opens the box in the folder with PyNaCl."""

        def check(out):
            opened = self.folder / "opened"
            open_box = self.programs.pynacl("open", self.key_file, only_file(out), opened)
            self.runner.run(open_box, name=f"opening what {name} wrote")
            compare(name, opened, plain)
            opened.unlink()

        return check


@contextlib.contextmanager
def desk(where, programs, runner):
    with tempfile.TemporaryDirectory(prefix="saltbridge-bench.", dir=where) as folder:
        yield Desk(Path(folder), programs, runner)


def need_room(where, files, memory, what):
    """Refuses to begin what would fill the file system or the memory."""
    free = shutil.disk_usage(where).free
    if free < files:
        raise Failed(f"{what} needs {human(files)} in {where}, where {human(free)} are free; --size makes it smaller")
    wanted = memory + (files if file_system(where) == "tmpfs" else 0)
    if available_memory() < wanted:
        raise Failed(
            f"{what} needs {human(wanted)} of memory, files on tmpfs included; "
            f"{human(available_memory())} are available; --size makes it smaller"
        )


def large(name, where, on_disk, options, programs, runner):
    """One large file, opened and sealed in the same rounds."""
    size = options.size
    kind = f"disk ({file_system(where)})" if on_disk else "tmpfs"
    need_room(where, 4 * size + (64 << 20), int(COPIES_IN_MEMORY * size), f"{human(size)} on {kind}")
    group = Group(name, f"{human(size)}, {kind}", size, 1, "cp, fsync" if on_disk else "cp")
    with desk(where, programs, runner) as own:
        plain, sealed, out = own.folder / "plain", own.folder / "plain.sealed", own.out
        say(f"{group.title}: making the input")
        write_random(plain, size)
        runner.run(programs.encrypt([plain], own.public_key, own.folder))

        def opens(contender, argv):
            return Contender(contender, argv, size, lambda out: compare(contender, only_file(out), plain))

        def seals(contender, argv):
            return Contender(contender, argv, size + OVERHEAD, own.seals(plain, contender))

        sync = ["--sync"] if on_disk else []
        note = ", fsync" if on_disk else ""
        contenders = [
            opens("saltbridge decrypt", programs.decrypt([sealed], own.key_file, out)),
            opens(f"cp{note}", copying(plain, out, on_disk)),
            opens(f"PyNaCl open{note}", programs.pynacl("open", own.key_file, sealed, out / "plain", *sync)),
            seals("saltbridge encrypt", programs.encrypt([plain], own.public_key, out)),
            seals(f"PyNaCl seal{note}", programs.pynacl("seal", own.public_key, plain, out / "sealed", *sync)),
        ]
        if not on_disk:
            contenders += [
                opens("tweetnacl open", programs.tweetnacl("open", own.key_file, sealed, out / "plain")),
                seals("tweetnacl seal", programs.tweetnacl("seal", own.public_key, plain, out / "sealed")),
            ]
        measure(group, contenders, runner, out, options.rounds, options.discard)
    return group


def copying(plain, out, on_disk):
    """`cp`, on disk with a sync of the file and its folder. It must copy, not share blocks."""
    reflink = ["--reflink=never"] if shares_blocks(plain.parent) else []
    command = ["cp", *reflink, str(plain), str(out / "plain")]
    if not on_disk:
        return command
    return ["sh", "-c", 'target=$1; shift; "$@" && sync "$target" "${target%/*}"', "sh", str(out / "plain"), *command]


def many(name, where, on_disk, options, programs, runner):
    """Many small files, opened by one process."""
    count, size = options.files, options.file_size
    kind = f"disk ({file_system(where)})" if on_disk else "tmpfs"
    title = f"{count:,} files of {size:,} bytes, {kind}"
    # Small files take whole blocks.
    need_room(where, 3 * count * (size + 8192) + (64 << 20), 256 << 20, title)
    base = f"plain files, {THREADS} threads" if on_disk else "PyNaCl loop"
    group = Group(name, title, count * size, count, base)
    with desk(where, programs, runner) as own:
        say(f"{title}: making the input")
        plain, sealed, out = own.folder / "plain", own.folder / "sealed", own.out
        plain.mkdir()
        names = [f"{number:06}" for number in range(count)]
        for file_name in names:
            write_random(plain / file_name, size)
        runner.run(programs.encrypt(names, own.public_key, sealed), plain)

        def opens(contender, argv):
            def check(out):
                for file_name in names:
                    compare(contender, out / file_name, plain / file_name)

            return Contender(contender, argv, size, check, sealed)

        boxes = [f"{file_name}.sealed" for file_name in names]
        plain_files = [str(programs.plain_files), str(out), str(count), str(size), str(THREADS)]
        contenders = [
            opens("saltbridge decrypt", programs.decrypt(boxes, own.key_file, out)),
            Contender(f"plain files, {THREADS} threads", plain_files, size, lambda out: None),
        ]
        if not on_disk:
            contenders.append(opens("PyNaCl loop", programs.pynacl("open-all", own.key_file, sealed, out)))
        measure(group, contenders, runner, out, options.rounds, options.discard)
    return group


def peak(options, programs, runner):
    """The memory for a file many times as large: sealed and opened once."""
    size = options.peak_size
    where = roomy(options, 2 * size + (1 << 30))
    if where is None:
        why = "neither tmpfs nor disk has room; --peak-size makes it smaller"
        say(f"*** SKIPPED: peak memory at {human(size)}: {why} ***")
        return None
    group = Group("peak", f"{human(size)} once, {file_system(where)}", size, 1, None)
    with desk(where, programs, runner) as own:
        plain, boxes = own.folder / "plain", own.folder / "boxes"
        # Without blocks: reading it costs no disk.
        with open(plain, "wb") as file:
            file.truncate(size)
        for name, argv, out, check in (
            ("saltbridge encrypt", programs.encrypt([plain], own.public_key, boxes), boxes, None),
            ("saltbridge decrypt", programs.decrypt([boxes / "plain.sealed"], own.key_file, own.out), own.out, plain),
        ):
            sample = runner.into(out, Contender(name, argv, 0, lambda out: None))
            say(f"{group.title}: {name} {sample.wall:.3f} s, {human(sample.peak)}")
            group.samples[name] = [sample]
            if check is not None:
                compare(name, only_file(out), check)
    return group


def roomy(options, wanted):
    """Where that much has room: tmpfs, unless memory becomes scarce, or the disk."""
    spare = 4 << 30
    if shutil.disk_usage(options.tmpfs).free >= wanted and available_memory() >= wanted + spare:
        return options.tmpfs
    return options.disk if shutil.disk_usage(options.disk).free >= wanted else None
