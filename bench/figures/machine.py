"""The facts about the machine and the programs without which the figures mean nothing. Nothing that names either."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

_LIBRARIES = ("gunicorn", "gevent", "flask", "hvac", "kubernetes")
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a measurement ran. `load_before` is the one-minute load average at its start: above 0.5, others ran too."""

    cores: int
    memory_gib: float
    system: str
    python: str
    versions: Mapping[str, str]
    load_before: float

    def described(self) -> str:
        """Return it in one line."""
        programs = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.cores} cores, {self.memory_gib:.0f} GiB, {self.system}, Python {self.python}; {programs}; "
            f"load average before: {self.load_before:.1f}"
        )


def this_machine(programs: Mapping[str, object]) -> Machine:
    """Describe the machine; `programs` are versions to name beside the libraries' own."""
    names = {name: str(number) for name, number in programs.items() if number is not None}
    return Machine(
        cores=os.cpu_count() or 1,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions=names | {name: version(name) for name in _LIBRARIES},
        load_before=os.getloadavg()[0],
    )
