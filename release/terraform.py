"""`python -m release.terraform > terraform/compliance/standards.tf`: a check for each standard of the Enforcer.

The names of checks cannot be made by Terraform itself, so they are written here, from the catalogue of standards.
Sources: Terraform, *Checks* and *Input Variables* (validation rules may name nothing but their variable until 1.9).
"""

import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from enforcer.judging.catalogue import STANDARDS
from enforcer.standards import exceptions
from enforcer.telling.json_report import VERSION

_HEAD: Final = """\
# Generated from the catalogue of standards: `python -m release.terraform > terraform/compliance/standards.tf`.

variable "report" {
  description = "What `keyhole enforce -o json` wrote: the text, as file() reads it."
  type        = string
  nullable    = false

  validation {
    condition     = can(keys(jsondecode(var.report)))
    error_message = "The report is no JSON object. Give the text of the file that `keyhole enforce -o json` wrote."
  }

  validation {
    condition     = try(jsondecode(var.report).version, "%(version)s") == "%(version)s"
    error_message = "This module reads %(version)s, and not ${try(jsondecode(var.report).version, "")}."
  }

  validation {
    # Each rule decodes the report as few times as it can: it may have megabytes.
    condition = try(length(setsubtract(
      ["version", "started", "ended", "summary", "standards"], keys(jsondecode(var.report))
    )) == 0, true)
    error_message = "The report lacks ${join(", ", try(setsubtract(
      ["version", "started", "ended", "summary", "standards"], keys(jsondecode(var.report))
    ), []))}."
  }

  validation {
    condition = try(length(setsubtract([
%(names)s
    ], jsondecode(var.report).standards[*].name)) == 0, true)
    error_message = "The report lacks the standard ${join(", ", setsubtract([
%(names)s
    ], try(jsondecode(var.report).standards[*].name, [])))}. Does the module belong to the version that wrote it?"
  }

  # A standard that cannot be read must not look like one that holds.
  validation {
    condition = alltrue([
      for standard in try(jsondecode(var.report).standards, []) :
%(readable)s
    ])
    error_message = "The report cannot be read at the standard ${join(", ", [
      for standard in try(jsondecode(var.report).standards, []) : try(tostring(standard.name), "without a name")
      if !(
%(unreadable)s
      )
    ])}."
  }
}

locals {
  checked = [
%(checked)s
  ]
}
"""
_READABLE: Final = """\
can(regex("^(held|finding|not-checked|off)$", standard.status)) && can("${standard.name}${standard.held + 0}") &&
try(alltrue([
  for each in standard.findings :
  can(regex("^(error|warning|note)$", each.severity)) && can("${each.message}")
]), false) &&
try(alltrue([for each in standard.unchecked : can("${each.reason}")]), false) &&
try(alltrue([
  for each in concat(standard.findings[*].object, standard.unchecked[*].object) :
  can("${each.kind}${each.namespace}${each.name}")
]), false)"""
_CHECK: Final = """
check "{0}" {{
  assert {{
    condition     = local.holds["{0}"]
    error_message = local.messages["{0}"]
  }}
}}
"""


def written(names: Sequence[str]) -> str:
    """Return the file, formatted as `terraform fmt` does, for the standards of these names."""
    listed = {"names": _lines(names, 6), "checked": _lines(names, 4)}
    readable = {"readable": textwrap.indent(_READABLE, " " * 6), "unreadable": textwrap.indent(_READABLE, " " * 8)}
    head = _HEAD % {"version": VERSION, **listed, **readable}
    return head + "".join(_CHECK.format(name) for name in names)


def names() -> list[str]:
    """Return the names of all standards, in the order of reports."""
    return [standard.rule.id for standard in (*STANDARDS, exceptions.STANDARD)]


def _lines(names: Iterable[str], indent: int) -> str:
    return "\n".join(f'{" " * indent}"{name}",' for name in names)


if __name__ == "__main__":
    sys.stdout.write(written(names()))
