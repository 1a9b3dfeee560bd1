"""What a finished video is worth, measured."""
