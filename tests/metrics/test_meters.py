"""Counting in one process and in several that tell together."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from metrics.admission_catalogue import ADMISSIONS, FIELDS
from metrics.catalogue import ALL, RECORD_KEY, TOKENS
from metrics.declaration import Kind
from metrics.folder import MetricsFolder
from metrics.meters import Exposition, Meters


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetricsFolder]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = MetricsFolder()
    yield folder
    folder.remove()


def worker(folder: MetricsFolder) -> Meters:
    return Meters.shared(folder.path, folder.take_place())


def values(meters: Meters) -> dict[str, float]:
    families = text_string_to_metric_families(meters.text().decode())
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_process_alone_tells_what_it_counts() -> None:
    meters = Meters.alone()
    meters.add(FIELDS, "kept", amount=3)
    meters.add(FIELDS, "kept")
    meters.set(TOKENS, 7)
    meters.observe(ADMISSIONS, 0.03, "Secret", "CREATE", "allowed", "false")
    found = values(meters)
    assert found["keyhole_fields_total kept"] == 4
    assert found["keyhole_vault_tokens"] == 7
    bounds = [name.split()[3] for name, count in found.items() if "_seconds_bucket" in name and count]
    assert bounds == ["0.1", "0.5", "1.0", "2.5", "10.0", "25.0", "+Inf"]
    assert not [name for name in found if "_created" in name]


def test_workers_tell_together(folder: MetricsFolder) -> None:
    first, second = worker(folder), worker(folder)
    for meters, known in ((first, 1), (second, 0)):
        meters.add(FIELDS, "kept", amount=2)
        meters.set(TOKENS, 5)
        meters.set(RECORD_KEY, known)
    assert values(first) == values(second)
    found = values(first)
    assert found["keyhole_fields_total kept"] == 4
    assert found["keyhole_vault_tokens"] == 10
    assert found["keyhole_record_key_known"] == 0


def test_what_a_dead_worker_counted_stays_and_what_it_held_goes(folder: MetricsFolder) -> None:
    first, second = worker(folder), worker(folder)
    for meters in (first, second):
        meters.add(FIELDS, "kept", amount=2)
        meters.set(TOKENS, 5)
    folder.free_place(1)
    found = values(first)
    assert found["keyhole_fields_total kept"] == 4
    assert found["keyhole_vault_tokens"] == 5


def test_who_takes_over_a_place_goes_on_counting_and_leaves_no_file_behind(folder: MetricsFolder) -> None:
    stays = worker(folder)
    stays.add(FIELDS, "kept")
    files = 0
    for turn in range(1, 20):
        place = folder.take_place()
        assert place == 1
        successor = Meters.shared(folder.path, place)
        successor.add(FIELDS, "kept")
        successor.set(TOKENS, 1)
        assert values(stays)["keyhole_fields_total kept"] == 1 + turn
        assert values(stays)["keyhole_vault_tokens"] == 1
        files = files or len(list(folder.path.iterdir()))
        assert len(list(folder.path.iterdir())) == files
        folder.free_place(place)


def test_room_for_the_files_is_taken_before_anything_is_counted(folder: MetricsFolder) -> None:
    meters = worker(folder)
    sizes = {file.name: file.stat().st_blocks * 512 for file in folder.path.glob("*.db")}
    assert len(sizes) == 5
    assert all(size >= 256 * 1024 for size in sizes.values())
    meters.add(FIELDS, "kept")
    assert values(meters)["keyhole_fields_total kept"] == 1
    assert {file.name for file in folder.path.glob("*.db")} == sizes.keys()


def test_a_place_belongs_to_one_living_worker(folder: MetricsFolder) -> None:
    assert [folder.take_place() for _ in range(3)] == [0, 1, 2]
    folder.free_place(1)
    folder.free_place(0)
    assert [folder.take_place() for _ in range(3)] == [0, 1, 3]


def test_every_metric_can_be_counted(folder: MetricsFolder) -> None:
    for meters in (Meters.alone(), worker(folder)):
        for metric in ALL:
            labels = ["word" for _ in metric.labels]
            if metric.kind is Kind.COUNTER:
                meters.add(metric, *labels)
            elif metric.kind is Kind.GAUGE:
                meters.set(metric, 1, *labels)
            else:
                meters.observe(metric, 1, *labels)
        assert len({name.split()[0] for name in values(meters)}) >= len(ALL)


def test_the_text_is_made_once_a_second_at_most() -> None:
    now = [10.0]
    meters, refreshed = Meters.alone(), []
    exposition = Exposition(meters, lambda: refreshed.append(now[0]), lambda: now[0])
    assert b"keyhole_vault_tokens" not in exposition.text()
    meters.set(TOKENS, 1)
    now[0] += 0.9
    assert b"keyhole_vault_tokens" not in exposition.text()
    now[0] += 0.2
    assert b"keyhole_vault_tokens 1.0" in exposition.text()
    assert refreshed == [10.0, now[0]]
