"""What a server's processes use of memory and CPU, from /proc (Linux; elsewhere there are no figures).

Source: proc(5), `smaps_rollup` and `stat`.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PROC = Path("/proc")
_KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """A process and all its descendants, in MiB.

    PSS divides a page that several processes map among them; RSS counts it in each. PSS is what the processes cost
    together, RSS what `ps` shows.
    """

    processes: int
    pss_mib: float
    rss_mib: float


def memory_of(pid: int) -> Memory | None:
    """Return what a process and its descendants hold; None where the kernel does not tell."""
    try:
        family = _family(pid, _stats())
        totals = [_total(member) for member in family]
    except OSError:
        return None
    return Memory(len(family), sum(pss for pss, _ in totals), sum(rss for _, rss in totals))


@dataclass(frozen=True, slots=True)
class Held:
    """What a process and its descendants hold together; `processes` are their ids, the oldest first.

    `anonymous_mib` is the part of PSS that no file backs. The rest is lower while other programs map the same files.
    """

    processes: tuple[int, ...]
    pss_mib: float
    anonymous_mib: float
    descriptors: int
    threads: int


def held_by(pid: int) -> Held | None:
    """Return what a process and its descendants hold; None where the kernel does not tell."""
    try:
        family = _family(pid, _stats())
        sizes = [_sizes(member) for member in family]
        return Held(
            tuple(sorted(family)),
            sum(size["Pss"] for size in sizes),
            sum(size["Pss_Anon"] for size in sizes),
            sum(len(os.listdir(_PROC / str(member) / "fd")) for member in family),  # noqa: PTH208 - only counted
            sum(len(os.listdir(_PROC / str(member) / "task")) for member in family),  # noqa: PTH208
        )
    except OSError:
        return None


def cpu_seconds_of(pid: int) -> float | None:
    """Return the CPU time that a process and its living descendants have used, to a hundredth of a second.

    Unlike latency, it hardly changes when something else runs on the machine.
    """
    try:
        stats = _stats()
        ticks = sum(stats[member].cpu_ticks for member in _family(pid, stats))
    except (OSError, KeyError):
        return None
    return ticks / os.sysconf("SC_CLK_TCK")


class CpuClock:
    """Measures the CPU time of a process and its descendants while a block runs; `seconds` is None without one."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._before: float | None = None
        self.seconds: float | None = None

    def __enter__(self) -> Self:
        self._before = self._now()
        return self

    def __exit__(self, *_error: object) -> None:
        after = self._now()
        if after is not None and self._before is not None:
            self.seconds = after - self._before

    def _now(self) -> float | None:
        return None if self._pid is None else cpu_seconds_of(self._pid)


@dataclass(frozen=True, slots=True)
class _Stat:
    parent: int
    cpu_ticks: int


def _stats() -> dict[int, _Stat]:
    stats: dict[int, _Stat] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            # The command's name, in parentheses, may hold blanks and parentheses of its own.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        stats[int(stat.parent.name)] = _Stat(int(fields[1]), int(fields[11]) + int(fields[12]))
    return stats


def _family(pid: int, stats: dict[int, _Stat]) -> list[int]:
    family = [pid]
    for member in family:
        family += [child for child, stat in stats.items() if stat.parent == member]
    return family


def _total(pid: int) -> tuple[float, float]:
    """Return PSS and RSS in MiB."""
    sizes = _sizes(pid)
    return sizes["Pss"], sizes["Rss"]


def _sizes(pid: int) -> dict[str, float]:
    """Return what `smaps_rollup` tells, in MiB."""
    text = (_PROC / str(pid) / "smaps_rollup").read_text()
    return {name: int(kib) / _KIB_PER_MIB for name, kib in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
