"""What every document of the repository keeps to: its links lead somewhere, its commands exist, its lines are short."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from cli.main import COMMANDS, main
from cli.parameters import KindsType
from manifests.kinds.known import ONLY_SECRETS

ROOT = Path(__file__).resolve().parent.parent
MOST_CHARACTERS = 120
_FENCE = re.compile(r" *(```|~~~)")
_LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"#{1,6} +(.*?) *#*$")
_SPAN = re.compile(r"`([^`]+)`")
# What a reader is to put something else for, with something that the command takes.
_STAND_INS = {"CHAIN:SEQUENCE:MAC": f"{'a' * 32}:1:{'b' * 64}"}


def listed(*patterns: str) -> list[Path]:
    """Return the files that Git knows, or would if they were added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(set(found.split("\0")) - {""}) if (ROOT / name).exists()]


DOCUMENTS = listed("*.md")
WITH_COMMANDS = [*DOCUMENTS, *listed("charts/*.txt", "charts/*.gotmpl", "charts/*.yaml")]


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def prose(text: str) -> str:
    """Return a document without its blocks of code, line for line."""
    lines, inside = [], False
    for line in text.splitlines():
        fence = _FENCE.match(line) is not None
        lines.append("" if inside or fence else line)
        inside ^= fence
    return "\n".join(lines)


def blocks(text: str) -> Iterator[str]:
    """Yield the blocks of code of a document."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if _FENCE.match(line):
            if inside:
                yield "\n".join(lines)
            lines, inside = [], not inside
        elif inside:
            lines.append(line)


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    result = set()
    for line in prose(text).splitlines():
        if heading := _HEADING.match(line):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            count = found.get(anchor, 0)
            found[anchor] = count + 1
            result.add(f"{anchor}-{count}" if count else anchor)
    return result


def broken_links(file: Path, text: str) -> list[str]:
    """Return the relative links of a document that lead to no file, or to no heading of it."""
    broken = []
    for link in _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(text))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve()
        is_there = not path or (target.exists() and ROOT in (target, *target.parents))
        if not is_there or (anchor and anchor not in anchors(target.read_text() if path else text)):
            broken.append(link)
    return broken


def long_lines(text: str) -> list[int]:
    """Return the numbers of the lines that are too long, though they could be broken: a row of a table cannot."""
    return [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > MOST_CHARACTERS and not line.lstrip().startswith("|") and " " in line.strip()
    ]


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each call of `keyhole` in a text of shell, without the command's own name."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if not re.search(r"\bkeyhole ", line):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        call: list[str] = []
        for token in [*lexer, ";"]:
            if not set(token) <= set("|&;<>()"):
                call.append(_STAND_INS.get(token, token))
                continue
            if call and call[0] in {"keyhole", ".venv/bin/keyhole"}:
                yield call[1:]
            call = []


def can_be_called(command: click.Command) -> bool:
    """Whether a command does something by itself: it is no group, or one that takes files too."""
    return not isinstance(command, click.Group) or any(isinstance(each, click.Argument) for each in command.params)


def problem_of(words: Sequence[str]) -> str | None:
    """Say why the command line does not take these words; None when it does. Nothing is run."""
    command: click.Command = main
    context = click.Context(main, info_name="keyhole")
    rest = list(words)
    try:
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            found = command.get_command(context, rest[0])
            if found is None and can_be_called(command):
                break  # a group that is a command as well
            if found is None:
                return f"there is no command {rest[0]!r}"
            command, rest = found, rest[1:]
        if not ({"--help", "--version"} & set(rest)) and can_be_called(command):
            command.make_context(command.name, rest)
    except click.ClickException as error:
        return error.format_message()
    return None


@pytest.fixture
def any_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take each path for a file that is there: those of documents are the reader's."""
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, _param, _ctx: Path(value))
    monkeypatch.setattr(KindsType, "convert", lambda _self, _value, _param, _ctx: ONLY_SECRETS)


@pytest.mark.parametrize("file", DOCUMENTS, ids=named)
def test_relative_links_lead_to_a_file_and_to_a_heading(file: Path) -> None:
    assert broken_links(file, file.read_text()) == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=named)
def test_files_of_the_repository_that_are_named_are_there(file: Path) -> None:
    top = {entry.name for entry in ROOT.iterdir() if entry.is_dir()}
    spans = (span.partition("::")[0] for span in _SPAN.findall(prose(file.read_text())))
    paths = {
        span for span in spans if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*/(?:[\w.-]+\.(?:py|md|ya?ml|json|tpl))?", span)
    }
    here = {path for path in paths if path.partition("/")[0] in top}
    assert {path for path in here if not (ROOT / path).exists() and not (file.parent / path).exists()} == set()


@pytest.mark.parametrize("file", DOCUMENTS, ids=named)
def test_lines_are_short(file: Path) -> None:
    assert long_lines(file.read_text()) == []


@pytest.mark.parametrize("file", WITH_COMMANDS, ids=named)
def test_no_document_has_its_reader_run_python(file: Path) -> None:
    assert not re.search(r"\bpython3? -c\b|PYTHONPATH=", file.read_text())


@pytest.mark.usefixtures("any_file")
@pytest.mark.parametrize("file", DOCUMENTS, ids=named)
def test_each_command_line_parses(file: Path) -> None:
    for block in blocks(file.read_text()):
        for words in commands(block):
            # "…" stands for the options that the page has shown before.
            problem = problem_of([word for word in words if word != "…"])
            left_out = "…" in words and (problem or "").startswith("Missing")
            assert problem is None or left_out, f"keyhole {shlex.join(words)}: {problem}"


@pytest.mark.parametrize("file", WITH_COMMANDS, ids=named)
def test_each_command_that_is_mentioned_exists_and_has_the_options(file: Path) -> None:
    for span in _SPAN.findall(prose(file.read_text())):
        words = span.split()
        if words[0].rpartition("/")[2] != "keyhole" or len(words) == 1 or words[1] == "COMMAND":
            continue
        command: click.Command = main
        options: set[str] = {"--help", "--version"}
        for word in words[1:]:
            if isinstance(command, click.Group) and not word.startswith("-") and re.fullmatch(r"[a-z-]+", word):
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"`{span}`"
                command = found
        options |= {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        given = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
        assert given <= options, f"`{span}`"


@pytest.mark.usefixtures("any_file")
def test_the_examples_of_each_command_s_help_parse() -> None:
    for path, command in every_command():
        for words in commands(command.epilog or ""):
            assert problem_of(words) is None, f"{path}: keyhole {shlex.join(words)}: {problem_of(words)}"


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield each command that can be called, with the words that call it."""
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        if can_be_called(command):
            yield name, command
        if isinstance(command, click.Group):
            for inner in command.list_commands(click.Context(command)):
                inside = command.get_command(click.Context(command), inner)
                assert inside is not None
                yield f"{name} {inner}", inside


def test_every_command_has_an_example_that_calls_it() -> None:
    for path, command in every_command():
        assert f"keyhole {path}" in (command.epilog or ""), path


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[there](README.md)", []),
        ("[`there`](docs/metrics.md)", []),
        ("[gone](docs/gone.md)", ["docs/gone.md"]),
        ("[gone](README.md#gone)", ["README.md#gone"]),
        ("# A `b` c\n[here](#a-b-c) [not here](#a-b)", ["#a-b"]),
        ("[elsewhere](https://example.org/gone)", []),
        ("```\n[code](gone.md)\n```\n`[code](gone.md)`", []),
        ("[out](../../etc)", ["../../etc"]),
    ],
)
def test_the_search_for_broken_links_finds_them(text: str, broken: list[str]) -> None:
    assert broken_links(ROOT / "any.md", text) == broken


@pytest.mark.usefixtures("any_file")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["tenant", "shop"], None),
        (["tenants"], "there is no command 'tenants'"),
        (["certs", "show", "folder", "--colour"], "No such option"),
        (["certs", "show"], "Missing argument"),
        (["audit", "verify", "--head", "x", "--key", "k"], "Invalid value"),
    ],
)
def test_the_check_of_command_lines_finds_what_is_wrong(words: list[str], problem: Any) -> None:
    found = problem_of(words)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("keyhole tenant shop | kubectl apply -f -", [["tenant", "shop"]]),
        ("kubectl logs POD | keyhole audit verify - > report", [["audit", "verify", "-"]]),
        ("keyhole resolve 'a | b' # and so on", [["resolve", "a | b"]]),
        ("keyhole serve \\\n    --workers 2 &", [["serve", "--workers", "2"]]),
        ("helm test keyhole -n keyhole", []),
    ],
)
def test_the_search_for_commands_finds_them(text: str, found: list[list[str]]) -> None:
    assert list(commands(text)) == found


def test_the_index_has_every_document_in_the_order_of_a_reader() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {file.name for file in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"]({name})" in index} == pages
    assert re.findall(r"^## (.*)$", index, re.MULTILINE) == ["Try", "Review", "Install", "Operate", "Secure", "Extend"]
    assert "](docs/README.md)" in (ROOT / "README.md").read_text()


def test_every_page_of_docs_stands_in_the_menu_of_the_site() -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    pages = [named(file) for file in listed("docs/*.md") if file.parent == ROOT / "docs" and file.name != "README.md"]
    assert [page for page in pages if f" {page}\n" not in menu] == []
