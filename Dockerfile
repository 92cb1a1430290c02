# The page for any machine: docker build -t steering-music . && docker run -p 7860:7860 steering-music
FROM python:3.12-slim-bookworm

WORKDIR /app
COPY packages.txt requirements.txt ./
RUN apt-get update -qq \
    && xargs apt-get install -y -qq --no-install-recommends < packages.txt \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir -r requirements.txt

COPY . .
RUN useradd --create-home player && mkdir -p build && chown player build
USER player
EXPOSE 7860
VOLUME /app/build
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
