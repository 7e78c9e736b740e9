"""Where trails come from: files, a stream, the logs of pods."""
