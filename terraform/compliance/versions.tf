terraform {
  # Checks came with 1.5. There is no provider, and so nothing to download.
  required_version = ">= 1.5.0"
}
