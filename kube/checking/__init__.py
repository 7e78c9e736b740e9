"""What is asked of the API server to check objects: who wrote what, and what an admission would say. No content."""
