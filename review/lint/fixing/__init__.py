"""`keyhole lint --fix`: findings that have one right answer are put right, by edits that are proved."""
