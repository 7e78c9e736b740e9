// Holds no program: the custom resource definitions of Flux's sources are taken from this module's folder.
module keyhole.dev/testbed/flux-sources

go 1.26.0

require github.com/fluxcd/source-controller v1.9.0
