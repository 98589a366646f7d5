"""`/imagine` and `/surprise`: from words to accepted jobs, with a question first when there are many."""
