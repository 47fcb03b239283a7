"""A proxy between a gateway and its upstream that goes wrong as a test tells it."""
