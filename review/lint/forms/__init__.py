"""Every form in which Keyhole takes references: what admission would refuse or warn of, and what it would never see."""
