"""What is made of the tree for those who install it."""
