"""What predicts, in numpy and ONNX Runtime only: all that the service has of training."""
