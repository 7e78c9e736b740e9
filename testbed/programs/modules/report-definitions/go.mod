// Holds no program: the custom resource definitions of OpenReports are taken from this module's folder.
module keyhole.dev/testbed/report-definitions

go 1.26.0

require github.com/openreports/reports-api v0.2.1
