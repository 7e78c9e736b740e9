locals {
  report    = jsondecode(var.report)
  standards = { for standard in local.report.standards : standard.name => standard }

  # What is not looked at is off; all else holds only if nothing was found and everything was looked at.
  holds = {
    for name, standard in local.standards : name => (
      contains(["held", "off"], standard.status) && length(standard.findings) == 0 && length(standard.unchecked) == 0
    )
  }

  messages = {
    for name, standard in local.standards : name => join(" ", compact([
      "${name}: ${length(standard.findings)} ${length(standard.findings) == 1 ? "finding" : "findings"}, ${length(standard.unchecked)} not checked, ${standard.held} held.",
      join(" ", [
        for each in slice(standard.findings, 0, min(var.shown, length(standard.findings))) :
        "[${each.severity}] ${each.object.kind} ${join("/", compact([each.object.namespace, each.object.name]))}: ${each.message}."
      ]),
      join(" ", [
        for each in slice(standard.unchecked, 0, min(var.shown, length(standard.unchecked))) :
        "[not checked] ${each.object.kind} ${join("/", compact([each.object.namespace, each.object.name]))}: ${each.reason}."
      ]),
    ]))
  }

  # Standards that this module has no check for: those of a later version.
  others = [for name, _ in local.standards : name if !contains(local.checked, name)]

  has_ended = local.report.ended != null
  is_recent = try(timecmp(timeadd(local.report.ended, "${var.most_hours}h"), plantimestamp()) >= 0, false)

  severities = { error = ["error"], warning = ["error", "warning"], note = ["error", "warning", "note"] }
  failing = concat(
    local.has_ended ? [] : ["The run has not ended."],
    local.has_ended && !local.is_recent ? ["The report is older than ${var.most_hours} hours."] : [],
    [
      for name, standard in local.standards : local.messages[name]
      if anytrue([for each in standard.findings : contains(local.severities[var.fail_on], each.severity)]) ||
      (!var.allow_unchecked && length(standard.unchecked) > 0) ||
      (!local.holds[name] && length(standard.findings) == 0 && length(standard.unchecked) == 0)
    ],
  )
}

check "run" {
  assert {
    condition     = local.has_ended
    error_message = "The run of ${local.report.started} has not ended, or was killed: nothing is known of what it did not reach."
  }

  assert {
    condition     = !local.has_ended || local.is_recent
    error_message = "The report is of ${coalesce(local.report.ended, "no time")}, more than ${var.most_hours} hours ago: it says nothing about last night."
  }
}

check "other-standards" {
  assert {
    condition     = alltrue([for name in local.others : local.holds[name]])
    error_message = join(" ", [for name in local.others : local.messages[name] if !local.holds[name]])
  }
}
