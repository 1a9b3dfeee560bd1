"""Speech: files to waves, waves to features, features to windows per video frame. Knows no picture."""

if __name__ != "facediff.audio":  # reached through the checkout root
    raise ImportError("import facediff.audio, not audio")
