"""The policies as a bundle for OPA: the same bytes whenever it is made of the same files.

Source: OPA, *Bundles*, "Bundle File Format".
"""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Final

_READABLE: Final = 0o644


def bundle(folder: Path) -> bytes:
    """Return the archive of a folder's manifest, Rego and data."""
    files = [folder / ".manifest", *sorted(folder.rglob("*.rego")), *sorted(folder.rglob("data.json"))]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in files:
            content = file.read_bytes()
            entry = tarfile.TarInfo(f"/{file.relative_to(folder).as_posix()}")
            entry.size, entry.mode = len(content), _READABLE
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(archive.getvalue(), mtime=0)
