"""What is known of a customer at a moment. Imports neither `training` nor `serving`."""
