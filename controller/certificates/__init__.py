"""The certificate duty of the controller: the authority, the serving certificate, and those who verify them."""
