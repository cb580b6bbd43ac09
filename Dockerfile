# docker build -t dqv .
# docker run --rm -v DATASET:/data:ro -v OUT:/out dqv check /data --out /out/report

FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/dqv && /opt/dqv/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.11-slim
# the independent witness of audio and video
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/dqv /opt/dqv
# compiled kernels are kept where any user may write, also with --user
ENV NUMBA_CACHE_DIR=/tmp/numba
RUN useradd --create-home --uid 1000 dqv && mkdir /out && chown dqv:dqv /out
USER dqv
WORKDIR /out
ENTRYPOINT ["/opt/dqv/bin/dqv"]
