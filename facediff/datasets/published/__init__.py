"""Published data sets, read where they lie as they were downloaded; nothing is fetched."""
