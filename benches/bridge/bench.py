#!/usr/bin/env python3
"""What the bridge costs while it idles, and how soon it answers: `make bench-bridge`. See docs/testing.md.

Progress goes to standard error; the report to standard output and to TARGET/bench/bridge.md. An aim that is missed is
said, and is no failure; a bridge that answers anything but what was asked is one.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import datetime
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "files"))

from bridge import Bridge, Emulator, Home
from measure import Failed, say, write_random
from report import MIB, Aim
from surroundings import file_system, output, processor

ORIGIN = "https://numerbay.ai"
# Until what a start leaves behind is done.
SETTLING = 2
MULTIPLES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text):
    found = re.fullmatch(r"([1-9]\d*)([KMG]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: a number of bytes, or one with K, M or G")
    return int(found.group(1)) * MULTIPLES[found.group(2)]


def count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: a number from 1 on")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--target", type=Path, default=Path("target"), help="cargo's target folder")
    parser.add_argument("--idle", type=count, default=10, help="seconds of idling (%(default)s)")
    parser.add_argument("--starts", type=count, default=15, help="how often it is started (%(default)s)")
    parser.add_argument("--rate", type=count, default=1000, help="signed requests a second (%(default)s)")
    parser.add_argument("--seconds", type=count, default=10, help="for so long, at most 50 (%(default)s)")
    parser.add_argument("--size", type=size, default="256M", help="of the file that is decrypted (%(default)s)")
    parser.add_argument("--rounds", type=count, default=5, help="how often (%(default)s)")
    parser.add_argument("--disk", type=Path, help="a folder on a disk (TARGET/bench)")
    given = parser.parse_args()
    # What was signed a minute ago is refused.
    if given.seconds > 50:
        parser.error("--seconds: at most 50")
    return given


def starts(home, times):
    """Milliseconds from the start of the program to its first answer at the socket."""
    taken = []
    for _ in range(times):
        begun = time.monotonic()
        with Bridge(home, []) as bridge:
            bridge.wait_for_status(pause=0.0005)
            taken.append((time.monotonic() - begun) * 1000)
    return taken


def idle(bridge, seconds):
    time.sleep(SETTLING)
    before = bridge.ticks()
    time.sleep(seconds)
    return bridge.ticks() - before


def loaded(load, bridge, home, given):
    code = home.run("pair", ORIGIN).strip()
    numbers = [given.rate, given.seconds]
    files = [home.path / name for name in ("envelope.json", "plain.sealed", "plain")]
    command = [load, bridge.authority(), ORIGIN, code, *map(str, numbers), *files, str(given.rounds)]
    before = bridge.ticks()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        status = child.stdout.readline()
        ticks = bridge.ticks() - before
        decrypt = child.stdout.readline()
    if child.returncode != 0:
        raise Failed("the load was not answered as it should be")
    return {"status": {**json.loads(status), "ticks": ticks}, "decrypt": json.loads(decrypt)}


def measure(given, program, load):
    disk = (given.disk or given.target.resolve() / "bench").resolve()
    disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bridge-", dir=disk) as folder:
        home = Home(program, Path(folder))
        found = {}
        say(f"starting {given.starts} times")
        starts(home, 2)
        found["start"] = starts(home, given.starts)
        say(f"idling for {given.idle} s")
        with Bridge(home, []) as bridge:
            bridge.wait_for_status()
            found["ticks"] = idle(bridge, given.idle)
            found["rss"], found["pss"], found["threads"] = bridge.rss(), bridge.pss(), bridge.threads()
        with Emulator(home) as emulator:
            device = ["--device", emulator.device]
            made = json.loads(home.run("create", *device, "--envelope-out", "envelope.json", "--json"))
            write_random(home.path / "plain", given.size)
            home.run("encrypt", "plain", "--to", made["public_key"], "-o", "plain.sealed")
            say(f"{given.rate} requests a second for {given.seconds} s, then {given.rounds} files of {given.size} bytes")
            with Bridge(home, [*device, "--spool-dir", str(home.path)]) as bridge:
                bridge.wait_for_status()
                # What is signed in the second of the start is refused.
                time.sleep(SETTLING)
                found.update(loaded(load, bridge, home, given))
                time.sleep(SETTLING)
                found["rss after"] = bridge.rss()
        return found


def describe(program, disk):
    commit = output("git", "describe", "--always", "--dirty", folder=Path(__file__).resolve().parent)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return [
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("machine", f"{processor()}, {os.cpu_count()} processors, {memory:.0f} GiB of memory"),
        ("system", f"{platform.system()} {platform.release()}, bodies wait on {file_system(disk)}"),
        ("load before", f"{os.getloadavg()[0]:.2f} (1 minute)"),
        ("saltbridge", f"{output(str(program), '--version').removeprefix('saltbridge ')}, commit {commit}"),
    ]


def mib(size):
    return "not readable" if size is None else f"{size / MIB:.1f} MiB"


def spread(values, unit):
    return f"median {statistics.median(values):.1f}, {min(values):.1f}–{max(values):.1f} {unit}"


def report(machine, found, given):
    sent, answered = found["status"]["sent_ms"], found["status"]["answered_ms"]
    times = lambda of: f"p50 {of['p50']:.2f}, p99 {of['p99']:.2f}, max {of['max']:.2f} ms"
    speeds = [found["decrypt"]["bytes"] / seconds / 1e9 for seconds in found["decrypt"]["seconds"]]
    ticks, second = found["ticks"], os.sysconf("SC_CLK_TCK")
    each = found["status"]["ticks"] / second / found["status"]["requests"] * 1000
    load = f"{given.rate:,} signed requests a second for {given.seconds} s"
    rows = [
        (f"idle for {given.idle} s: processor time", f"{ticks} ticks of 1/{second} s"),
        ("idle: RSS", mib(found["rss"])),
        ("idle: Pss", mib(found["pss"])),
        ("idle: threads", str(found["threads"])),
        ("from its start to its first answer", spread(found["start"], "ms")),
        (f"{load}: answered", times(answered)),
        (f"{load}: sent late by", times(sent)),
        ("the bridge's processor time for each of them", f"{each:.2f} ms"),
        (f"decrypting {found['decrypt']['bytes'] / MIB:.0f} MiB", spread(speeds, "GB/s")),
        ("RSS after all of this", mib(found["rss after"])),
    ]
    start = statistics.median(found["start"])
    aims = [
        Aim("idle: no processor time that can be measured", f"{ticks} ticks", ticks == 0),
        Aim("idle: RSS ≤ 15 MiB", mib(found["rss"]), found["rss"] <= 15 * MIB),
        Aim("start to first answer ≤ 50 ms", f"{start:.1f} ms", start <= 50),
        Aim("status at 1,000 requests a second: p99 ≤ 5 ms", f"{answered['p99']:.2f} ms", answered["p99"] <= 5),
    ]
    lines = [f"- {name}: {text}" for name, text in machine]
    lines += ["", "| what | measured |", "| --- | ---: |", *(f"| {what} | {value} |" for what, value in rows), ""]
    lines += ["Times of requests count from when each was to be sent. Speeds are of decimal GB of plaintext, from the"]
    lines += ["first byte sent to the last read.", "", "| aim | measured | |", "| --- | ---: | --- |"]
    return "\n".join([*lines, *(aim.line() for aim in aims)]) + "\n"


def run(given):
    target = given.target.resolve()
    program, load = target / "release" / "saltbridge", target / "release" / "examples" / "bridge-load"
    for path in (program, load):
        if not path.exists():
            raise Failed(f"{path} is missing: make bench-bridge builds it")
    disk = (given.disk or target / "bench").resolve()
    disk.mkdir(parents=True, exist_ok=True)
    machine = describe(program, disk)
    text = report(machine, measure(given, program, load), given)
    (target / "bench").mkdir(exist_ok=True)
    (target / "bench" / "bridge.md").write_text(text, encoding="utf8")
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
