"""What may stand in the repository's files at all, and what the project's own files promise.

What is searched for stands here with a "¦" in it, so that this file does not find itself.
"""

import ast
import hashlib
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 1024 * 1024
TARGETS = {"help", "venv", "check", "test", "demo", "bench", "testbed", "lock", "clean"}

# Variables by which a machine tells its package tools where its own registry is.
REGISTRY_VARIABLES = (
    "GOPROXY",
    "NPM_CONFIG_REGISTRY",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_INDEX_URL",
)
REGISTRY_PATTERNS = [
    r"(?<![\w-])--(?:extra-)?index-url\b",
    r"(?<![\w-])--find[-]links\b",
    r"(?<![\w-])--trusted[-]host\b",
    r"\b(?:pypi|pythonhosted|rubygems|npmjs|yarnpkg)\.(?:org|com)\b",
    r"\b(?:proxy|sum|goproxy)\.(?:golang\.org|io|cn)\b",
    r"//[\w.-]*(?:pypi|goproxy|artifactory|nexus|devpi|verdaccio|npm)[\w-]*\.[\w.:-]+/",
    r"https?://\S+/(?:simple|api/pypi|api/npm|api/go)/",
    # Names under .example belong to nobody (RFC 2606).
    r"GOPROXY[\"'\]]*\s*[=:,]\s*[\"']?https?://(?![\w.-]*\.example\b)",
    r"\"(?:resolved|registry)\"\s*:\s*\"https?://(?![\w.-]*\.example\b)",
]
MACHINE_PATTERNS = [
    r"(?<![\w.~*+<>})-])/home/[\w.-]+/",
    r"(?<![\w.~*+<>})-])/Users/[\w.-]+/",
    r"(?<![\w.~*+<>})-])/root/\S",
    r"(?<![\w.~*+<>})-])/work/\S",
    r"\b[A-Z]:\\Users\\\w",
]
TEMPORARY_PATTERNS = [r"(?<![\w.~*+<>})-])/(?:var/)?tmp/[\w.-]"]
SECRET_PATTERNS = [
    # The header alone is no key: what follows it is.
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\s|\\n)*[A-Za-z0-9+/=]{16}",
    r"(?<![\w.])hv[sbr]\.[A-Za-z0-9_-]{24}",
    r"(?<![\w./-])[sbr]\.[A-Za-z0-9]{24}(?![A-Za-z0-9])",
]
FOREIGN_WORDS = [
    word.replace("¦", "")
    for word in (
        "ai[ -]¦agents?",
        "ai[ -]¦assistants?",
        "ai[ -]¦generated",
        "anth¦ropic",
        "chat¦gpt",
        "cla¦ude",
        "co-authored¦-by",
        "coding[ -]¦agents?",
        "co¦pilot",
        "language ¦models?",
        "ll¦ms?",
        "open¦ai",
    )
]
# go.sum and the requirements hold digests, and a digest may spell anything.
DIGEST = re.compile(r"h1:[A-Za-z0-9+/]{43}=|sha256:[0-9a-f]{64}")


def matches(patterns: Iterable[str], text: str, flags: re.RegexFlag = re.NOFLAG) -> list[str]:
    """Return what in `text` fits one of `patterns`."""
    without_digests = DIGEST.sub("", text)
    return [found.group() for pattern in patterns for found in re.finditer(pattern, without_digests, flags)]


def registries(text: str) -> list[str]:
    """Return what in `text` names a package registry, those that this machine is set up with included."""
    hosts = {
        urlsplit(address).hostname
        for variable in REGISTRY_VARIABLES
        for address in re.split(r"[\s,|]+", os.environ.get(variable, ""))
        if "//" in address
    }
    own = [re.escape(host) for host in hosts if host and host != "localhost" and not host.startswith("127.")]
    return matches([*REGISTRY_PATTERNS, *own], text)


def machine_paths(text: str) -> list[str]:
    """Return the paths in `text` that exist on somebody's machine only."""
    return matches([*MACHINE_PATTERNS, re.escape(f"{ROOT}/")], text)


def temporary_paths(text: str) -> list[str]:
    """Return the fixed names of temporary files in `text`, which two users would share."""
    return matches(TEMPORARY_PATTERNS, text)


def secrets(text: str) -> list[str]:
    """Return the private keys and Vault tokens in `text`."""
    return matches(SECRET_PATTERNS, text)


def foreign_words(text: str) -> list[str]:
    """Return the words in `text` that do not belong to the project's subject."""
    return matches([rf"(?<![a-z]){word}(?![a-z])" for word in FOREIGN_WORDS], text, re.IGNORECASE)


def unpinned(text: str) -> list[str]:
    """Return the lines of a requirements file that are no `NAME==VERSION` with hashes."""
    logical = text.replace("\\\n", " ").splitlines()
    pinned = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+-]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+")
    lines = [line.strip() for line in logical]
    return [line for line in lines if line and not line.startswith("#") and not pinned.fullmatch(line)]


def helpless_targets(makefile: str) -> list[str]:
    """Return the targets of `makefile` that people call and that have no line of help."""
    rules = re.findall(r"^([a-z][a-z-]*):(?!=)(.*)$", makefile, re.MULTILINE)
    return [target for target, rest in rules if not re.search(r"## \S", rest)]


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a Git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    # A file may be deleted and not yet committed so; a submodule or a link to a folder has no text.
    return [path for path in paths if path.is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        yield str(path.relative_to(ROOT)), path.read_bytes().decode(errors="replace")


CHECKS: list[tuple[Callable[[str], list[str]], str]] = [
    (registries, ""),
    (machine_paths, ""),
    (temporary_paths, "tests/"),
    (secrets, ""),
    (foreign_words, ""),
]


@pytest.mark.parametrize(("check", "exempt"), CHECKS, ids=[check.__name__ for check, _ in CHECKS])
def test_no_file_holds_what_does_not_belong_there(check: Callable[[str], list[str]], exempt: str) -> None:
    found = {name: check(text) for name, text in texts() if not (exempt and name.startswith(exempt))}
    assert {name: complaints for name, complaints in found.items() if complaints} == {}


def test_no_file_name_holds_what_does_not_belong_there() -> None:
    names = [name for name, _ in texts()]
    assert foreign_words("\n".join(names)) == []
    assert "Makefile" in names


def test_no_file_is_large() -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked_files()}
    assert {name: size for name, size in sizes.items() if size >= MAX_BYTES} == {}


HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("check", "sample"),
    [
        pytest.param(registries, "--index¦-url https://mirror.example/x", id="an index option"),
        pytest.param(registries, "--extra-index¦-url=https://m.example", id="a second index"),
        pytest.param(registries, "pip install --find¦-links ./wheels", id="a folder of wheels"),
        pytest.param(registries, "see https://py¦pi.org/project/hvac", id="the public Python index"),
        pytest.param(registries, "GOPROXY=¦https://mirror.corp", id="a Go proxy"),
        pytest.param(registries, 'env["GOPROXY"] = "¦https://example.corp"', id="a Go proxy in code"),
        pytest.param(registries, "proxy.¦golang.org", id="the public Go proxy"),
        pytest.param(registries, '"resolved": "¦https://m.corp/a.tgz"', id="an npm lock file"),
        pytest.param(registries, "https://art¦ifactory.example.com/x", id="a company's mirror"),
        pytest.param(registries, "https://m.example/root/index/sim¦ple/hvac", id="a mirror by its path"),
        pytest.param(machine_paths, "see /home/¦alice/keyhole", id="a Linux home folder"),
        pytest.param(machine_paths, '"/Users/¦alice/keyhole"', id="a macOS home folder"),
        pytest.param(machine_paths, "cd /ro¦ot/keyhole", id="root's home folder"),
        pytest.param(machine_paths, "/wo¦rk/main", id="a workspace"),
        pytest.param(machine_paths, "C:\\Users\\¦alice", id="a Windows home folder"),
        pytest.param(machine_paths, f"log: {ROOT}/x.log", id="this very checkout"),
        pytest.param(temporary_paths, 'open("/tmp/¦keyhole.sock")', id="a temporary file"),
        pytest.param(secrets, f"-----BEGIN EC PRIVATE KEY-----\n{'A' * 64}", id="a private key"),
        pytest.param(secrets, f"-----BEGIN PRIVATE KEY-----\\n{'A' * 64}", id="a private key in a string"),
        pytest.param(secrets, f"VAULT_TOKEN=hvs.{'A' * 24}", id="a Vault token"),
        pytest.param(secrets, f"token: s.{'aB3' * 8}", id="a Vault token of the old form"),
        pytest.param(foreign_words, "written by Cla¦ude", id="a product"),
        pytest.param(foreign_words, "an AI ¦agent did", id="a kind of tool"),
        pytest.param(foreign_words, "Co-Authored¦-By: x", id="a trailer"),
        pytest.param(unpinned, "flask>=3", id="no exact version"),
        pytest.param(unpinned, "flask==3.1", id="no hash"),
        pytest.param(unpinned, f"flask @ https://m.example/f.whl {HASH}", id="an address"),
        pytest.param(unpinned, "-r other.txt", id="another file"),
        pytest.param(helpless_targets, "lint: venv\n\truff check\n", id="a target without help"),
    ],
)
def test_each_check_finds_a_planted_sample(check: Callable[[str], list[str]], sample: str) -> None:
    assert check(f"before\n{sample.replace('¦', '')}\n") != []


@pytest.mark.parametrize(
    ("check", "sample"),
    [
        pytest.param(registries, "uv pip compile --no-emit-index¦-url", id="the option that leaves indexes out"),
        pytest.param(registries, "import npm\nhttps://developer.hashicorp.com/vault", id="a manual"),
        pytest.param(registries, 'env = {"GOPROXY": "https://proxy.example"}', id="a proxy that does not exist"),
        pytest.param(machine_paths, "vault:secret/work/app#password, ~/home/x, $HOME/root/x", id="paths in Vault"),
        pytest.param(machine_paths, f"h1:+/ro¦ot/b{'A' * 35}=", id="a digest"),
        pytest.param(temporary_paths, "mountPath: /tmp\nsecret/tmp/x", id="the folder itself"),
        pytest.param(secrets, '"-----BEGIN PRIVATE KEY-----"', id="a header without a key"),
        pytest.param(secrets, "tests.certs.test_files.some_long_function_name", id="dotted names"),
        pytest.param(foreign_words, "OpenAPI, Vault Agent, a requests.Session", id="words that belong"),
        pytest.param(
            unpinned, f"a-b[c]==1.0 ; python_version < '4' \\\n    {HASH} \\\n    {HASH}\n    # via d", id="a pin"
        ),
        pytest.param(helpless_targets, "x: y ## Do x\nV := 1\n$(S): z\n", id="help, variables and files"),
    ],
)
def test_no_check_complains_of_what_belongs(check: Callable[[str], list[str]], sample: str) -> None:
    assert check(sample.replace("¦", "")) == []


def test_the_registry_that_this_machine_uses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = "from packages.corp.example we took it"
    assert registries(sample) == []
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:word@packages.corp.example:8443/x")
    assert registries(sample) == ["packages.corp.example"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-review.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_with_hashes_and_name_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert unpinned(text) == []
    assert "://" not in text
    assert "==" in text


def test_make_alone_lists_every_target_with_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(
        ["make"], cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    listed = {line.split()[0] for line in shown.splitlines() if line.startswith("  ")}
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE))
    assert helpless_targets(makefile) == []
    assert listed >= TARGETS
    assert set(phony.split()) == listed


def test_the_readme_s_test_command_is_what_continuous_integration_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert "make test" in (ROOT / "README.md").read_text()
    assert script.read_text().splitlines()[-1] == "exec make test </dev/null"
    assert os.access(script, os.X_OK)


def test_the_licence_is_the_apache_licence_word_for_word() -> None:
    # The digest of the text that the Apache Software Foundation publishes.
    expected = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == expected


class TestSizes:
    """A room stays small enough to be looked through: what has grown past this is two subjects."""

    MOST_MODULES = 16
    MOST_LINES = 260
    MOST_LINES_OF_A_FUNCTION = 60

    def test_no_folder_no_module_and_no_function_is_too_large(self) -> None:
        modules = [
            path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests"
        ]
        folders = Counter(path.parent for path in modules if path.name != "__init__.py")
        assert len(folders) > 20, "there are rooms to look at"
        too_large = [f"{folder}: {count} modules" for folder, count in folders.items() if count > self.MOST_MODULES]
        for path in modules:
            text = path.read_text()
            if (lines := len(text.splitlines())) > self.MOST_LINES:
                too_large.append(f"{path}: {lines} lines")
            too_large += [
                f"{path}: {function}" for function in _functions_longer_than(text, self.MOST_LINES_OF_A_FUNCTION)
            ]
        assert not too_large, "\n".join(too_large)

    def test_a_function_that_is_too_long_is_found(self) -> None:
        assert _functions_longer_than("def long():\n    pass\n    pass\n", 2) == ["long: 3 lines"]
        assert _functions_longer_than("class A:\n    async def long(self):\n        pass\n", 1) == ["long: 2 lines"]
        assert _functions_longer_than("def short():\n    pass\n", 2) == []


def _functions_longer_than(text: str, most_lines: int) -> list[str]:
    """Return the functions of a module that are too long, without their decorators."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = [(function.name, (function.end_lineno or 0) - function.lineno + 1) for function in functions]
    return [f"{name}: {length} lines" for name, length in lengths if length > most_lines]
