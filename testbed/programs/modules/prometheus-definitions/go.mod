// Holds no program: the custom resource definitions of prometheus-operator are taken from this module's folder.
module keyhole.dev/testbed/prometheus-definitions

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
