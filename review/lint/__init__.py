"""The rules of `keyhole lint`: each is a pure function of what stands in files. No server is asked, and no entropy."""
