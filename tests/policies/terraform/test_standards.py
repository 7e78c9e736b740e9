"""The checks of the Terraform module are those of the catalogue of standards."""

import re
from pathlib import Path

from release.terraform import names, written

MODULE = Path(__file__).resolve().parents[3] / "terraform" / "compliance"


def test_there_is_a_check_for_each_standard_in_the_order_of_reports() -> None:
    text = (MODULE / "standards.tf").read_text()
    assert re.findall(r'^check "([a-z-]+)"', text, re.MULTILINE) == names()
    assert text == written(names()), "python -m release.terraform > terraform/compliance/standards.tf"


def test_the_module_needs_no_provider() -> None:
    texts = "".join(file.read_text() for file in MODULE.glob("*.tf"))
    assert not re.search(r"^\s*(provider|resource|data|required_providers|module)\b", texts, re.MULTILINE)
