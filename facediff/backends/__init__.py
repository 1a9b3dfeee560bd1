"""Other libraries that run our networks faster than torch does; torch alone is always enough."""
