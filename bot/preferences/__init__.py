"""`/settings`, `/prefer` and the speeds: what a person sets for themselves."""
