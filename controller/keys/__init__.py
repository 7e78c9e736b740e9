"""The key duty of the controller: the Secret with the keys of the records, and their rotation."""
