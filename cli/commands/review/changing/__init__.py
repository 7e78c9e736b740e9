"""Commands that change the files which they look at."""
