"""References of other tools, and what Keyhole has for them. One module each; `review.languages.all` lists them."""
