"""Files of the charts that follow from the code, or from each other, are not stale."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from charts.generated import FOLDER, files
from cli.version import VERSION
from tests.charts.charts import KEYHOLE, TENANT, values

CHARTS = [pytest.param(KEYHOLE, id="keyhole"), pytest.param(TENANT, id="keyhole-tenant")]


@pytest.mark.parametrize("path", list(files()))
def test_what_follows_from_the_code_is_as_make_charts_writes_it(path: str) -> None:
    assert (FOLDER / path).read_text() == files()[path], "make charts writes it anew"


@pytest.mark.parametrize("chart", CHARTS)
def test_the_readme_tells_of_every_value_what_its_comment_says(chart: Path) -> None:
    table = (chart / "README.md").read_text()
    described = _descriptions((chart / "values.yaml").read_text())
    assert set(_leaves(values(chart))) <= set(described), "a value has no comment that begins with # --"
    for key, text in described.items():
        row = re.search(rf"^\| {re.escape(key)} \|.*$", table, re.MULTILINE)
        assert row is not None, f"make charts: {key} is not in the README"
        assert row[0].endswith(f"| {text} |"), f"make charts: {key}"


@pytest.mark.parametrize("chart", CHARTS)
def test_the_schema_knows_every_value_and_nothing_else(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    known = schema["properties"].keys() - {"global", "enabled"}
    assert known == values(chart).keys()
    assert not list(_different(schema["properties"], values(chart), "")), "schema and values.yaml"


@pytest.mark.parametrize("chart", CHARTS)
def test_the_schema_misses_each_value_whose_default_says_something(chart: Path) -> None:
    """`helm upgrade --reuse-values` knows nothing of a value that is new: a list of ports that is not there is all."""
    schema = json.loads((chart / "values.schema.json").read_text())
    assert not list(_not_missed(schema, values(chart), schema["$defs"], ""))


@pytest.mark.parametrize("chart", CHARTS)
def test_the_schema_lets_no_unknown_key_pass(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    loose = [
        path for path, part in _objects(schema, "") if "properties" in part and part.get("additionalProperties", 1)
    ]
    assert loose == []


@pytest.mark.parametrize("chart", CHARTS)
def test_no_template_asks_the_cluster_or_makes_anything_up(chart: Path) -> None:
    made_up = r"\b(lookup|gen[A-Z]\w+|rand[A-Z]\w+|uuidv4|now|derivePassword|getHostByName)\b"
    for file in (chart / "templates").iterdir():
        for action in re.findall(r"\{\{-?(.*?)-?\}\}", re.sub(r"/\*.*?\*/", "", file.read_text()), re.DOTALL):
            code = re.sub(r'"[^"]*"', '""', action)
            assert not re.search(made_up, code), f"{file.name}: {action}"


@pytest.mark.parametrize("chart", CHARTS)
def test_the_chart_is_of_this_version(chart: Path) -> None:
    described = (chart / "Chart.yaml").read_text()
    assert f'\nappVersion: "{VERSION}"\n' in described
    assert f"\nversion: {VERSION}\n" in described


def _descriptions(text: str) -> dict[str, str]:
    """Return the comment of each value, by its path, as helm-docs joins them."""
    found: dict[str, str] = {}
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# --"):
            comment = [stripped.removeprefix("# --").strip()]
        elif stripped.startswith("#") and comment:
            comment.append(stripped.removeprefix("#").strip())
        elif match := re.match(r"( *)([A-Za-z]+):", line):
            path[len(match[1]) // 2 :] = [match[2]]
            if comment:
                found[".".join(path)] = " ".join(comment)
            comment = []
        else:
            comment = []
    return found


def _leaves(part: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in part.items():
        # What is passed on to Kubernetes is described as a whole.
        if isinstance(value, dict) and value and key != "resources":
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def _different(properties: Mapping[str, Any], part: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, value in part.items():
        schema = properties.get(key, {})
        if not schema:
            yield f"{path}{key} is in no schema"
        elif isinstance(value, dict) and "properties" in schema and value:
            yield from _different(schema["properties"], value, f"{path}{key}.")
            if schema["properties"].keys() - value.keys() and key != "resources":
                yield f"{path}{key}: {schema['properties'].keys() - value.keys()} have no default"


def _not_missed(
    schema: Mapping[str, Any], part: Mapping[str, Any], shared: Mapping[str, Any], path: str
) -> Iterator[str]:
    schema = shared[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    # Without resources a pod is as good: who wants none says null.
    telling = {key for key, value in part.items() if value not in ("", [], {}, False) and key != "resources"}
    yield from (f"{path}{key}" for key in telling - set(schema.get("required", [])))
    for key in telling:
        if isinstance(part[key], dict):
            yield from _not_missed(schema["properties"][key], part[key], shared, f"{path}{key}.")


def _objects(part: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield path, part
        for key, inner in part.items():
            yield from _objects(inner, f"{path}/{key}")
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from _objects(inner, f"{path}/{number}")
