"""Which files a name stands for."""

import os
from pathlib import Path

from changes.sources.files import Files


def test_beside_a_trail_only_its_rotated_files_are_opened(tmp_path: Path) -> None:
    # Opening a named pipe waits for somebody who writes into it: whoever may make one would stop the page's reading.
    trail = tmp_path / "audit.log"
    for name in ("audit.log", "audit.log.1", "audit.log-20261101.gz", "audit.log.bak", "other.log.1"):
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "audit.log.2")
    (tmp_path / "audit.log.3").mkdir()
    found = {each.name for each in Files(str(trail)).found()}
    assert found == {"audit.log", "audit.log.1", "audit.log-20261101.gz"}
