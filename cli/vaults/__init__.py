"""Which Vaults a command asks for a person or for a job of CI, and where their credentials go."""
