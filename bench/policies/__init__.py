"""What policies cost, measured."""
