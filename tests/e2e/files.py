"""Files that a running server reads."""

from pathlib import Path


def swap(file: Path, text: str) -> None:
    """Replace a file's content at once, as kubelet does: nobody reads it while it is empty or half written."""
    whole = file.with_name(f"{file.name}.new")
    whole.write_text(text)
    whole.chmod(file.stat().st_mode)
    whole.replace(file)
