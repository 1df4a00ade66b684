"""Training of many small networks as one program."""
