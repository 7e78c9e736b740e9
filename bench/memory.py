"""What a server's processes hold in memory, from /proc (Linux; elsewhere there is no figure).

Source: proc(5), `smaps_rollup`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

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
        family = _family(pid)
        totals = [_total(member) for member in family]
    except OSError:
        return None
    return Memory(len(family), sum(pss for pss, _ in totals), sum(rss for _, rss in totals))


def _family(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            # The command's name, in parentheses, may hold blanks and parentheses of its own.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _total(pid: int) -> tuple[float, float]:
    """Return PSS and RSS in MiB."""
    text = (_PROC / str(pid) / "smaps_rollup").read_text()
    sizes = {name: int(kib) / _KIB_PER_MIB for name, kib in re.findall(r"^(Pss|Rss): +(\d+) kB", text, re.MULTILINE)}
    return sizes["Pss"], sizes["Rss"]
