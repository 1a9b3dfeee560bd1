"""How a clip of each kind is put together from a source, models and options."""
