"""What was found, as one tree: a section for each place that was looked at. Facts only: no judgement, and no value."""
