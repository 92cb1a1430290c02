# The page for any machine: docker build -t steering-music . && docker run -p 7860:7860 steering-music
#
# The base is python:3.12-slim-bookworm of October 2026, Python 3.12.15, for x86 and ARM; a newer one has
# the digest that `docker buildx imagetools inspect python:3.12-slim-bookworm` prints.
FROM python:3.12-slim-bookworm@sha256:34386ef0cb081344d7ec1c103ba398e6e9f64e9ab3a1509accc92a4e24a07258

WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY packages.txt pyproject.toml uv.lock ./
COPY .ci/uv.txt .ci/
# Every wheel is compared with its hash in the lock; none is built from source.
RUN apt-get update -qq \
    && xargs apt-get install -y -qq --no-install-recommends < packages.txt \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir --require-hashes -r .ci/uv.txt \
    && uv sync --quiet --no-cache --locked --no-dev --no-install-project --no-build \
        --extra page --extra curation

COPY . .
RUN useradd --create-home player && mkdir -p build && chown player build
USER player
EXPOSE 7860
VOLUME /app/build
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:7860/healthz', timeout=8)"]
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
