"""What is answered: the HTTP service and the process it runs in. Imports nothing that fits."""
