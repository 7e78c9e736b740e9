"""The documentation as a site: the Markdown of the tree where it lies, and the files that it links to.

A hook of MkDocs (`mkdocs.yml`). Pages keep their paths, so that a link works in a checkout, at a forge and on the site.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parents[1]
_PAGES: Final = ("*.md", "docs/**/*.md", "charts/*.md", "charts/*/README.md", "examples/*.md", "testbed/*.md")
_LINK: Final = re.compile(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Give MkDocs every page, and every other file that a page links to (MkDocs' hook)."""
    pages = {str(file.relative_to(ROOT)) for pattern in _PAGES for file in ROOT.glob(pattern)}
    linked = {target for page in pages for target in _targets(page) if (ROOT / target).is_file()}
    for name in sorted(pages | linked):
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Have links to folders lead to the page in them (MkDocs' hook)."""
    folder = PurePosixPath(page.file.src_uri).parent

    def pointed(link: re.Match[str]) -> str:
        target = normpath(str(folder / link[1]))
        is_folder_with_page = (ROOT / target / "README.md").is_file()
        return link[0].replace(link[1], f"{link[1].rstrip('/')}/README.md", 1) if is_folder_with_page else link[0]

    return _LINK.sub(pointed, markdown)


def _targets(page: str) -> set[str]:
    folder = PurePosixPath(page).parent
    text = (ROOT / page).read_text(encoding="utf-8")
    return {normpath(str(folder / link)) for link in _LINK.findall(text)}
