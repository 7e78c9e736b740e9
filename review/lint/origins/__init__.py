"""Kustomize: where what it built is from, and into which namespace what it takes goes."""
