"""`keyhole serve` patches the standard library, which has to come before anything that opens sockets is imported."""

import subprocess
import sys

_TOO_EARLY = ("kubernetes", "requests", "socket", "ssl", "urllib3")


def test_what_opens_sockets_is_not_imported_before_the_library_is_patched() -> None:
    """A `ssl` that was imported before is patched by half: each TLS context of a worker recurses without end."""
    program = f"import sys, cli.main, cli.serve_command; print(sorted(set(sys.modules) & set({_TOO_EARLY})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
