#!/usr/bin/env python3
"""How fast files are opened and sealed, beside PyNaCl, tweetnacl and cp: `make bench`. See docs/testing.md.

Progress goes to standard error; the report to standard output and to TARGET/bench/report.md. An aim that is missed is
said, and is no failure; a contender that writes anything but the right bytes is one.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import functools
import json
import os
import re
import signal
from pathlib import Path

import cases
import report
from measure import Failed, Runner, say
from surroundings import describe, file_system

GROUPS = ("tmpfs", "disk", "many-tmpfs", "many-disk", "peak")
MULTIPLES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text):
    found = re.fullmatch(r"([1-9]\d*)([KMG]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: a number of bytes, or one with K, M or G")
    return int(found.group(1)) * MULTIPLES[found.group(2)]


def count(text, least=1):
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text}: a number from {least} on")
    return int(text)


def groups(text):
    names = text.split(",")
    for name in names:
        if name not in GROUPS:
            raise argparse.ArgumentTypeError(f"{name}: one of {', '.join(GROUPS)}")
    return names


def arguments():
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--target", type=Path, default=Path("target"), help="cargo's target folder")
    parser.add_argument("--only", type=groups, default=GROUPS, metavar="GROUP,...", help=", ".join(GROUPS))
    parser.add_argument("--size", type=size, default="1G", help="of the large file (%(default)s)")
    parser.add_argument("--files", type=count, default=10_000, help="how many small ones (%(default)s)")
    parser.add_argument("--file-size", type=size, default=10_000, help="of each of them (%(default)s)")
    parser.add_argument("--peak-size", type=size, help="of the file for peak memory (eight times --size)")
    parser.add_argument("--rounds", type=count, default=7, help="that count (%(default)s)")
    none_too = functools.partial(count, least=0)
    parser.add_argument("--discard", type=none_too, default=2, help="rounds before them (%(default)s)")
    parser.add_argument("--tmpfs", type=Path, default=Path("/dev/shm"), help="a folder on tmpfs (%(default)s)")
    parser.add_argument("--disk", type=Path, help="a folder on a disk (TARGET/bench)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keeps every run's figures, too")
    return parser.parse_args()


def measure_all(wanted, options, programs, runner):
    makers = {
        "tmpfs": lambda: cases.large("tmpfs", options.tmpfs, False, options, programs, runner),
        "disk": lambda: cases.large("disk", options.disk, True, options, programs, runner),
        "many-tmpfs": lambda: cases.many("many-tmpfs", options.tmpfs, False, options, programs, runner),
        "many-disk": lambda: cases.many("many-disk", options.disk, True, options, programs, runner),
        "peak": lambda: cases.peak(options, programs, runner),
    }
    done = {name: makers[name]() for name in GROUPS if name in wanted}
    return {name: group for name, group in done.items() if group is not None}


def check_folders(wanted, options):
    if {"tmpfs", "many-tmpfs", "peak"} & set(wanted) and file_system(options.tmpfs) != "tmpfs":
        raise Failed(f"{options.tmpfs} is not on tmpfs; --tmpfs names a folder that is")
    if {"disk", "many-disk"} & set(wanted) and file_system(options.disk) in ("tmpfs", "ramfs"):
        raise Failed(f"{options.disk} is in memory; --disk names a folder on a disk")


def run(given):
    target = given.target.resolve()
    programs = cases.Programs(target)
    options = cases.Options(
        size=given.size,
        files=given.files,
        file_size=given.file_size,
        peak_size=given.peak_size or 8 * given.size,
        rounds=given.rounds,
        discard=given.discard,
        tmpfs=given.tmpfs.resolve(),
        disk=(given.disk or target / "bench").resolve(),
    )
    check_folders(given.only, options)
    runner = Runner(programs.node_modules, options.tmpfs)
    machine = describe(programs, options)
    measured = measure_all(given.only, options, programs, runner)
    sizes = (options.size, options.files, options.file_size, options.peak_size)
    of_wanted_size = sizes == (1 << 30, 10_000, 10_000, 8 << 30)
    text = report.write(machine, measured, of_wanted_size)
    (target / "bench" / "report.md").write_text(text, encoding="utf8")
    if given.json:
        figures = {name: group.figures() for name, group in measured.items()}
        given.json.write_text(json.dumps({"machine": dict(machine), "runs": figures}, indent=1), encoding="utf8")
    print(text, end="")


def end(number, _frame):
    sys.exit(128 + number)


def main():
    # As Ctrl-C does, they end what runs and remove its folders.
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    os.umask(0o077)
    try:
        run(arguments())
    except Failed as failure:
        say(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
