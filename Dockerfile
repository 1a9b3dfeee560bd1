# The web demo on a CPU, with the models in it: docker build -t facediff . && docker run -p 7860:7860 facediff
# Anything else: docker run -v "$PWD:/work" -w /work facediff facediff talk portrait.jpg speech.wav -o hello.mp4
FROM python:3.11-slim

WORKDIR /facediff
# Before the code, so that a change of it does not download torch again.
RUN pip install --no-cache-dir 'torch>=2.6,<2.14' --index-url https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md LICENSE ./
COPY facediff facediff
COPY audio audio
COPY landmarks landmarks
COPY demo demo
RUN pip install --no-cache-dir '.[demo]'

RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user

EXPOSE 7860
HEALTHCHECK --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860', timeout=5)"]
CMD ["facediff", "demo", "--host", "0.0.0.0", "--port", "7860"]
