variable "gate" {
  description = "Whether a standard that does not hold fails the run. By itself, a failed check only warns."
  type        = bool
  default     = false
  nullable    = false
}

variable "fail_on" {
  description = "With gate: the least severity of a finding that fails the run: error, warning or note."
  type        = string
  default     = "error"
  nullable    = false

  validation {
    condition     = contains(["error", "warning", "note"], var.fail_on)
    error_message = "fail_on is error, warning or note."
  }
}

variable "allow_unchecked" {
  description = "With gate: whether what was not checked lets the run go on."
  type        = bool
  default     = false
  nullable    = false
}

variable "most_hours" {
  description = "How old a report may be, in hours. An old report says nothing about last night."
  type        = number
  default     = 26
  nullable    = false

  validation {
    condition     = var.most_hours > 0
    error_message = "most_hours is more than 0."
  }
}

variable "shown" {
  description = "How many findings, and how many things that were not checked, a message names. It counts all of them."
  type        = number
  default     = 5
  nullable    = false
}
