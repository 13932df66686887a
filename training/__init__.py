"""What is learned: models, their measures and the bundle that holds the fitted parts."""
