"""Options of `keyhole lint` that bring judges of the whole tree. What an option needs is imported when it is given."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from cli.errors import NotDoneError
from review.findings.finding import Finding
from review.findings.standards import Standards
from review.lint.catalogue import BY_ID, NO_OWNER
from review.lint.judging import Judge
from review.lint.tree import Tree
from review.sources import git
from review.sources.text import NotChecked

_DEFAULT: Final = "default"
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
# As in resolver.references.reference, which most runs need not import.
_OF_CONNECTION: Final = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)=(.+)", re.DOTALL)


class _PolicyType(click.ParamType[tuple[str, Path]]):
    """FOLDER, or CONNECTION=FOLDER."""

    name = "[connection=]folder"

    def convert(
        self,
        value: str | tuple[str, Path],
        param: click.Parameter | None,  # noqa: ARG002 - click's signature
        ctx: click.Context | None,  # noqa: ARG002 - as above
    ) -> tuple[str, Path]:
        """Parse it (click's hook). Whether the folder is there is seen when it is read."""
        if isinstance(value, tuple):
            return value
        found = None if Path(value).is_dir() else _OF_CONNECTION.fullmatch(value)
        return (found[1], Path(found[2])) if found else (_DEFAULT, Path(value))


_OPTIONS: Final = (
    click.option(
        "--connections",
        type=_FILE,
        help="The webhook's connections file: check which connections and paths references may name.",
    ),
    click.option(
        "--policy",
        "policies",
        multiple=True,
        type=_PolicyType(),
        help="A folder with the Vault policies of namespaces (NAME.hcl, NAME.json, Terraform): check that they allow "
        "what references need, and nothing else. They are of the connection `default`, unless another one is named. "
        "May be repeated.",
    ),
    click.option(
        "--standards",
        type=_FILE,
        help="What your organisation decided about the rules (YAML): how bad they are, what they demand, exceptions.",
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for by these options."""

    connections: Path | None
    policies: Sequence[tuple[str, Path]]
    standards_file: Path | None

    def standards(self) -> Standards:
        """Return the standards. Raises `NotDoneError` for a file that has none."""
        return _standards(self.standards_file) if self.standards_file is not None else Standards()

    def judges(self, standards: Standards, *, is_whole: bool) -> Sequence[Judge]:
        """Return the judges. `is_whole` says whether all manifests of a folder are looked at, and all of it is told.

        Raises `NotDoneError` for files that cannot be used.
        """
        return list(self._judges(standards, is_whole=is_whole))

    def _judges(self, standards: Standards, *, is_whole: bool) -> Iterator[Judge]:
        known = _connections(self.connections) if self.connections is not None else {}
        if self.connections is not None:
            from review.lint.judges.allowed import Allowed

            yield Allowed(known)
        if self.policies:
            from review.lint.judges.covered import Covered
            from review.policies import folder

            if len(dict(self.policies)) < len(self.policies):
                raise click.UsageError("--policy: two folders for one connection")
            for _, path in self.policies:
                if not path.is_dir():
                    raise click.UsageError(f"--policy: {path} is no folder")
            yield Covered({name: folder.read(path) for name, path in self.policies}, known, is_whole)
        repositories = git.Repositories()
        yield functools.partial(_substituted, repositories)
        if standards.is_on(NO_OWNER):
            yield functools.partial(_owned, repositories)
        if standards.pins != "any":
            from review.lint.judges.pinned import Pinned

            yield Pinned(standards.pins)


def judging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets what was asked for as `judging`."""

    @functools.wraps(command)
    def with_asked(
        *arguments: Any,
        connections: Path | None,
        policies: tuple[tuple[str, Path], ...],
        standards: Path | None,
        **others: Any,
    ) -> Any:
        return command(*arguments, judging=Asked(connections, policies, standards), **others)

    decorated: Callable[..., Any] = with_asked
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _substituted(repositories: git.Repositories, tree: Tree) -> Iterable[Finding | NotChecked]:
    if not (tree.flux.substituting and tree.flux.taken):
        return []
    from review.lint.judges.substituted import Substituted

    return Substituted(repositories.name)(tree)


def _owned(repositories: git.Repositories, tree: Tree) -> Iterable[Finding | NotChecked]:
    if not tree.uses:
        return []
    from review.lint.judges.owned import Owned

    return Owned(repositories.locate)(tree)


def _connections(file: Path) -> Mapping[str, Any]:
    from cli.commands.review.known_connections import read
    from resolver.connections.model import ConfigurationError

    try:
        return read(file)
    except ConfigurationError as error:
        raise NotDoneError(f"--connections: {error}") from None


def _standards(file: Path) -> Standards:
    from cli.standards_files import read_standards
    from review.findings import standards_file

    return read_standards(file, lambda text: standards_file.parse(text, BY_ID))
