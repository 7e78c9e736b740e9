output "summary" {
  description = "The numbers of the report: held, errors, warnings, notes, unchecked, excepted, new, gone, status."
  value       = local.report.summary

  # A failed check does not fail a run, so this does where that is wanted.
  precondition {
    condition     = !var.gate || length(local.failing) == 0
    error_message = join("\n", concat(["Not every standard holds."], local.failing))
  }
}

output "standards" {
  description = "By standard: its status, and how many things are held, found, not checked and excepted."
  value = {
    for name, standard in local.standards : name => {
      status    = standard.status
      held      = standard.held
      findings  = length(standard.findings)
      unchecked = length(standard.unchecked)
      excepted  = try(length(standard.excepted), 0)
    }
  }
}

output "ended" {
  description = "When the run ended; null if it has not."
  value       = local.report.ended
}
