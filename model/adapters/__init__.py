"""What is added to a model, request by request: rows of one forward may have different ones, or none."""
