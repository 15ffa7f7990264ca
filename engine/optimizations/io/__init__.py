"""Read less, and only once."""
