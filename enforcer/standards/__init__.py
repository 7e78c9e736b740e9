"""The standards of an organisation: which are on, how bad it is to miss one, what they demand, and exceptions."""
