"""The export beside the page: the same look, a policy for its one style sheet, and nothing of a server."""

import base64
import hashlib
import re
import subprocess
import sys
from pathlib import Path

from changes import answers
from changes.page import export
from changes.wanted import Wanted


def test_it_allows_its_style_sheet_alone_and_ages_well(ordinary: Path) -> None:
    database = answers.opened(ordinary)
    try:
        text = export.render(answers.page(database, Wanted()), "1.2.3")
    finally:
        database.close()
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in text
    assert not re.search(r"url\((?!#)|@import|https?:", text)
    assert not re.search(r"\bago\b|yesterday|today", text.replace(style, ""))
    assert "by <bdi>Ada</bdi>" in text


def test_it_needs_nothing_of_a_server() -> None:
    """The extra `changes` has no Flask."""
    code = "import sys, changes.page.export; print({'flask', 'werkzeug', 'gunicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
