"""What a review finds: findings and what was not checked, whoever collects the facts and whoever tells of them."""
