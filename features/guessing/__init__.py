"""A first experiment file for a file that nobody has described yet."""
