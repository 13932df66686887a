"""Contractual churn: another kind of experiment, from a file to a registered model."""
