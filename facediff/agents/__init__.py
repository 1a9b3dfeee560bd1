"""An avatar within a voice agent: adapters of its live session to the frameworks that agents are written with."""
