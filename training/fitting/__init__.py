"""What fits the parts of a model version."""
