"""The table and the aims, as Markdown."""

import statistics
from dataclasses import dataclass
from typing import Optional

MIB = 1 << 20
# The most memory that opening and sealing may take.
PEAK_LIMIT = 24 * MIB
# Two runs of one program differ by some pages.
PEAK_NOISE = 1 * MIB

UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def human(size):
    for unit, bytes_each in UNITS:
        if size >= bytes_each:
            return f"{size / bytes_each:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} bytes"


@dataclass
class Aim:
    """What was wanted and what was measured; `met` is None if it was not."""

    text: str
    found: str = "not measured"
    met: Optional[bool] = None

    def line(self):
        verdict = {True: "met", False: "**NOT MET**", None: "not measured"}[self.met]
        return f"| {self.text} | {self.found} | {verdict} |"


# Group, subject, base, least ratio, what it says.
RATIOS = (
    ("tmpfs", "saltbridge decrypt", "PyNaCl open", 5, "tmpfs: opening ≥ 5 × PyNaCl"),
    ("tmpfs", "saltbridge decrypt", "cp", 0.6, "tmpfs: opening ≥ 0.6 × cp (0.85 is hoped for)"),
    ("tmpfs", "saltbridge encrypt", "saltbridge decrypt", 0.8, "tmpfs: sealing ≥ 0.8 × opening"),
    ("disk", "saltbridge decrypt", "cp, fsync", 0.8, "disk: opening ≥ 0.8 × cp and fsync"),
    ("disk", "saltbridge encrypt", "saltbridge decrypt", 0.8, "disk: sealing ≥ 0.8 × opening"),
    ("many-tmpfs", "saltbridge decrypt", "PyNaCl loop", 1.7, "many files, tmpfs: opening ≥ 1.7 × PyNaCl loop"),
    (
        "many-disk",
        "saltbridge decrypt",
        "plain files, 2 threads",
        0.8,
        "many files, disk: opening ≥ 0.8 × plain files by 2 threads",
    ),
)


def aims(groups):
    """Each aim with what was measured. `groups` are by name."""
    found = []
    for name, subject, base, least, text in RATIOS:
        aim = Aim(text)
        if name in groups:
            ratio = groups[name].ratio(subject, base)
            aim.found, aim.met = f"{ratio:.3f} ×", ratio >= least
        found.append(aim)
    return found + peak_aims(groups)


def peak_aims(groups):
    saltbridge = ("saltbridge decrypt", "saltbridge encrypt")
    large = [groups[name].peak(subject) for name in ("tmpfs", "disk") if name in groups for subject in saltbridge]
    largest = [groups["peak"].peak(subject) for subject in saltbridge] if "peak" in groups else []
    aim = Aim(f"large file: peak RSS ≤ {human(PEAK_LIMIT)}")
    if large:
        aim.found, aim.met = mib(max(large)), max(large) <= PEAK_LIMIT
    more = Aim(f"a larger one: peak RSS no more (beyond {human(PEAK_NOISE)} of noise)")
    if large and largest:
        more.found = f"{mib(max(largest))} after {mib(max(large))}"
        more.met = max(largest) <= max(large) + PEAK_NOISE and max(largest) <= PEAK_LIMIT
    return [aim, more]


def mib(size):
    return f"{size / MIB:.1f} MiB"


def rows(group):
    for name, samples in group.samples.items():
        walls = [sample.wall for sample in samples]
        median = statistics.median(walls)
        speed = f"{group.bytes / median / 1e9:.2f} GB/s"
        if group.files > 1:
            speed = f"{group.files / median:,.0f} files/s"
        cells = (
            group.title,
            name,
            f"{median:.3f}",
            f"{min(walls):.3f}–{max(walls):.3f}",
            speed,
            f"{statistics.median(sample.cpu for sample in samples):.2f}",
            f"{group.peak(name) / MIB:.1f}",
            f"{group.ratio(name, group.base):.2f} × {group.base}" if group.base else "",
        )
        yield f"| {' | '.join(cells)} |"


def write(machine, groups, wanted_size):
    """The whole report. `wanted_size` tells whether the run was of the size that the aims are for."""
    lines = [f"- {name}: {text}" for name, text in machine]
    lines += ["", "| what | who | median s | min–max s | speed | CPU s | peak RSS MiB | speed, compared |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for group in groups.values():
        lines += rows(group)
    lines += ["", "Medians of the counted rounds; CPU is user and system; peak RSS is the highest of them; ratios are"]
    lines += ["medians of each round's ratio. Inputs lie in the page cache.", ""]
    if not wanted_size:
        lines += ["The aims are for 1 GiB, 10,000 files of 10,000 bytes, and peak memory at 8 GiB."]
        lines += ["This run was of other sizes.", ""]
    lines += ["| aim | measured | |", "| --- | ---: | --- |"]
    lines += [aim.line() for aim in aims(groups)]
    return "\n".join(lines) + "\n"
