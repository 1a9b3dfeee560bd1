"""The avatar live: it speaks while the sound still comes in, idles, and can be interrupted."""
