"""Collects which images workloads name, which ones run, and which were scanned. No registry is asked."""
