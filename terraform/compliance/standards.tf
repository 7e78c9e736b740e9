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
    condition     = try(jsondecode(var.report).version, "keyhole.dev/compliance/v1") == "keyhole.dev/compliance/v1"
    error_message = "This module reads keyhole.dev/compliance/v1, and not ${try(jsondecode(var.report).version, "")}."
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
      "records-proved",
      "values-current",
      "git-is-cluster",
      "nothing-unresolved",
      "no-plaintext",
      "least-privilege",
      "identities",
      "gate-intact",
      "api-audit-quiet",
      "images",
      "review",
      "trail",
      "appliers",
      "exceptions",
    ], jsondecode(var.report).standards[*].name)) == 0, true)
    error_message = "The report lacks the standard ${join(", ", setsubtract([
      "records-proved",
      "values-current",
      "git-is-cluster",
      "nothing-unresolved",
      "no-plaintext",
      "least-privilege",
      "identities",
      "gate-intact",
      "api-audit-quiet",
      "images",
      "review",
      "trail",
      "appliers",
      "exceptions",
    ], try(jsondecode(var.report).standards[*].name, [])))}. Does the module belong to the version that wrote it?"
  }

  # A standard that cannot be read must not look like one that holds.
  validation {
    condition = alltrue([
      for standard in try(jsondecode(var.report).standards, []) :
      can(regex("^(held|finding|not-checked|off)$", standard.status)) && can("${standard.name}${standard.held + 0}") &&
      try(alltrue([
        for each in standard.findings :
        can(regex("^(error|warning|note)$", each.severity)) && can("${each.message}")
      ]), false) &&
      try(alltrue([for each in standard.unchecked : can("${each.reason}")]), false) &&
      try(alltrue([
        for each in concat(standard.findings[*].object, standard.unchecked[*].object) :
        can("${each.kind}${each.namespace}${each.name}")
      ]), false)
    ])
    error_message = "The report cannot be read at the standard ${join(", ", [
      for standard in try(jsondecode(var.report).standards, []) : try(tostring(standard.name), "without a name")
      if !(
        can(regex("^(held|finding|not-checked|off)$", standard.status)) && can("${standard.name}${standard.held + 0}") &&
        try(alltrue([
          for each in standard.findings :
          can(regex("^(error|warning|note)$", each.severity)) && can("${each.message}")
        ]), false) &&
        try(alltrue([for each in standard.unchecked : can("${each.reason}")]), false) &&
        try(alltrue([
          for each in concat(standard.findings[*].object, standard.unchecked[*].object) :
          can("${each.kind}${each.namespace}${each.name}")
        ]), false)
      )
    ])}."
  }
}

locals {
  checked = [
    "records-proved",
    "values-current",
    "git-is-cluster",
    "nothing-unresolved",
    "no-plaintext",
    "least-privilege",
    "identities",
    "gate-intact",
    "api-audit-quiet",
    "images",
    "review",
    "trail",
    "appliers",
    "exceptions",
  ]
}

check "records-proved" {
  assert {
    condition     = local.holds["records-proved"]
    error_message = local.messages["records-proved"]
  }
}

check "values-current" {
  assert {
    condition     = local.holds["values-current"]
    error_message = local.messages["values-current"]
  }
}

check "git-is-cluster" {
  assert {
    condition     = local.holds["git-is-cluster"]
    error_message = local.messages["git-is-cluster"]
  }
}

check "nothing-unresolved" {
  assert {
    condition     = local.holds["nothing-unresolved"]
    error_message = local.messages["nothing-unresolved"]
  }
}

check "no-plaintext" {
  assert {
    condition     = local.holds["no-plaintext"]
    error_message = local.messages["no-plaintext"]
  }
}

check "least-privilege" {
  assert {
    condition     = local.holds["least-privilege"]
    error_message = local.messages["least-privilege"]
  }
}

check "identities" {
  assert {
    condition     = local.holds["identities"]
    error_message = local.messages["identities"]
  }
}

check "gate-intact" {
  assert {
    condition     = local.holds["gate-intact"]
    error_message = local.messages["gate-intact"]
  }
}

check "api-audit-quiet" {
  assert {
    condition     = local.holds["api-audit-quiet"]
    error_message = local.messages["api-audit-quiet"]
  }
}

check "images" {
  assert {
    condition     = local.holds["images"]
    error_message = local.messages["images"]
  }
}

check "review" {
  assert {
    condition     = local.holds["review"]
    error_message = local.messages["review"]
  }
}

check "trail" {
  assert {
    condition     = local.holds["trail"]
    error_message = local.messages["trail"]
  }
}

check "appliers" {
  assert {
    condition     = local.holds["appliers"]
    error_message = local.messages["appliers"]
  }
}

check "exceptions" {
  assert {
    condition     = local.holds["exceptions"]
    error_message = local.messages["exceptions"]
  }
}
