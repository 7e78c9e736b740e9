"""What the demo writes to standard output: colours on a terminal, plain text elsewhere, at most 100 columns."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import IO

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH = 100
_INDENT = 3


class Screen:
    """Standard output, or another stream. Nothing that is written is read as markup."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        # Values stand in the output when they are asked for: rich must not colour parts of them, nor read tags.
        console = Console(file=stream, highlight=False, markup=False, emoji=False)
        console.width = min(WIDTH, console.width) if console.is_terminal else WIDTH
        self._console = console
        self._chapters = 0

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be watching."""
        return self._console.is_terminal

    def title(self, text: str) -> None:
        """Write the demo's own title."""
        self._console.print(Text(text, style="bold"))

    def chapter(self, heading: str) -> None:
        """Write the heading of the next chapter, with its number."""
        self._chapters += 1
        self._console.print()
        self._console.print(Text(f"{self._chapters}. {heading}", style="bold cyan"))

    def conclusion(self, text: str) -> None:
        """Write how it all ended."""
        self._console.print()
        self._console.print(Text(text, style="bold green"))

    def say(self, text: str) -> None:
        """Write a sentence."""
        self._print_indented(Text(text))

    def command(self, text: str) -> None:
        """Write a command that is being run."""
        self._print_indented(Text(f"$ {text}", style="bold"))

    def output(self, text: str) -> None:
        """Write what a command wrote; a line that is too long goes on below its own beginning."""
        for line in text.splitlines():
            words = line.lstrip(" ")
            self._print_indented(Text(words, overflow="fold", style="dim"), deeper=2 + len(line) - len(words))

    def claim(self, text: str, *, holds: bool) -> None:
        """Write a claim and whether it holds."""
        mark, style = ("ok   ", "green") if holds else ("WRONG", "bold red")
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(mark, style=style), Text(text, overflow="fold"))
        self._print_indented(row)

    def side_by_side(self, left: str, right: str, rows: Iterable[tuple[str, str]]) -> None:
        """Write two columns, a row for each pair, with nothing cut off."""
        table = Table(box=box.SQUARE, header_style="bold", expand=True, show_lines=True)
        table.add_column(left, ratio=3, overflow="fold")
        table.add_column(right, ratio=2, overflow="fold")
        for pair in rows:
            table.add_row(*(Text(text) for text in pair))
        self._print_indented(table)

    def durations(self, seconds: Mapping[str, float], total_seconds: float) -> None:
        """Write how long each part took, and the whole."""
        table = Table.grid(padding=(0, 2))
        table.add_column()
        table.add_column(justify="right")
        for title, part in seconds.items():
            table.add_row(Text(title), f"{part:.1f} s")
        table.add_row(Text("altogether", style="bold"), f"{total_seconds:.1f} s")
        self._print_indented(table)

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show on a terminal that something is under way, until the block ends; elsewhere show nothing."""
        with self._console.status(Text(text)) if self.is_terminal else contextlib.nullcontext():
            yield

    def _print_indented(self, what: RenderableType, deeper: int = 0) -> None:
        # With `expand`, each line would end in blanks.
        self._console.print(Padding(what, (0, 0, 0, _INDENT + deeper), expand=False))
