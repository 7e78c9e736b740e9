"""What `gate-intact` stands on: what a release registers, and how that differs from what is there."""
