"""What manifests in files hold, read as admission reads them."""
