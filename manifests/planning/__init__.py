"""What an admission does to each field, decided from the request alone, and what it writes beside the fields."""
