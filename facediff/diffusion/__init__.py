"""Sampling as plain functions over a callable ``predict(x, t, cond)``. Knows no face and no network."""
