"""Why a prediction is as it is."""
