"""Pictures out: takes jobs from the queue, has the model draw them, posts them. Never a gateway connection."""
