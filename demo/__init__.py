"""The web demo: the library in a browser, through Gradio. Needs the extra ``demo``."""

if __name__ != "facediff.demo":  # reached through the checkout root
    raise ImportError("import facediff.demo, not demo")
