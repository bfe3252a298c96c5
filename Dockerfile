# syntax=docker/dockerfile:1
# One image for every process: `payme api` (the default), `payme worker`, `payme migrate up`, `python -m payme_sim`.
#
# The base is named by version, not by digest, because a digest has to be fetched. The deploy workflow fetches it and builds with
# it pinned; by hand:
#   digest=$(docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}')
#   docker build --build-arg "BASE_IMAGE=python:3.11-slim-bookworm@${digest}" --tag payme .
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
# No cache mounts: Railway refuses those that do not carry the id of its service.
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_NO_CACHE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY requirements/uv.txt requirements/
RUN python -m pip install --require-hashes --requirement requirements/uv.txt
# Every file is checked against its hash. Among them are the PostgreSQL programs that `payme backup` dumps and restores with.
COPY requirements/runtime.txt requirements/
RUN python -m venv --without-pip /opt/payme \
    && uv pip install --python /opt/payme/bin/python --require-hashes --compile-bytecode \
        --requirement requirements/runtime.txt
# The till is built with Node out of a wheel, from the locks of both; nothing of Node is in the image.
COPY requirements/node.txt requirements/
RUN python -m venv --without-pip /opt/node \
    && uv pip install --python /opt/node/bin/python --require-hashes --requirement requirements/node.txt
COPY tools/web.py tools/
COPY web web
RUN /opt/node/bin/python tools/web.py build
# The wheel's own build tools come from the lock of the developers, by hash too.
COPY requirements/dev.txt requirements/
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY simulator simulator
COPY src src
RUN uv build --wheel --build-constraints requirements/dev.txt --require-hashes --out-dir dist \
    && uv pip install --python /opt/payme/bin/python --no-deps --compile-bytecode dist/*.whl

FROM ${BASE_IMAGE}
# The commit; Render and Railway say it at run time instead.
ARG REVISION=
LABEL org.opencontainers.image.title="PayMe" \
      org.opencontainers.image.description="Runs a small Kenyan shop's money: sales, M-Pesa, stock, credit, and the proof of all of it." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing can be installed afterwards, and nothing has to be: no process of ours starts a shell.
RUN python -m pip uninstall --yes --root-user-action=ignore setuptools wheel pip \
    && groupadd --gid 10001 payme \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin payme
COPY --from=build /opt/payme /opt/payme
ENV PATH=/opt/payme/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RELEASE=${REVISION} \
    HOST=0.0.0.0 \
    PORT=3000
WORKDIR /opt/payme
USER 10001:10001
EXPOSE 3000
STOPSIGNAL SIGTERM
# The API's. A worker is asked at its metrics (see compose.yaml); Render and Railway ask from outside.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-m", "payme.entrypoints.health", "http://127.0.0.1:3000/readyz"]
# No ENTRYPOINT: whether a platform replaces that or CMD, `payme worker` means the same.
CMD ["payme", "api"]
