"""Where what kustomize built is from, so that a finding is told at its source."""
