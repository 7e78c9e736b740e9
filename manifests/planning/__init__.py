"""What an admission will do to each field, decided from the request alone, and what it writes besides fields."""
