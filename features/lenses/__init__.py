"""The lenses: each a function from known rows to the features of a customer."""
