"""The certificate authority and the serving certificates: issuing, inspecting, keeping in files."""
