// Holds no program: the custom resource definitions of cert-manager are taken from this module's folder.
module keyhole.dev/testbed/cert-manager-definitions

go 1.26.0

require github.com/cert-manager/cert-manager v1.21.2
