"""`python -m charts`: write the files of the charts that follow from the code, and their READMEs."""

import subprocess

from charts.generated import FOLDER, files
from testbed.programs.reports import on_standard_error
from testbed.programs.toolbox import Toolbox

for path, text in files().items():
    (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / path).write_text(text)
helm_docs = str(Toolbox(on_standard_error()).path("helm-docs"))
subprocess.run(  # noqa: S603 - the pinned program
    [helm_docs, "--chart-search-root", str(FOLDER), "--sort-values-order", "file", "--log-level", "warning"], check=True
)
