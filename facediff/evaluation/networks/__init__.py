"""Networks that judge: those that travel with facediff, and published ones whose weights are given."""
