"""One codec for each kind that Keyhole fills: everything that differs between kinds stands here, and only here."""
