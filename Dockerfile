# One image for servers, workers and migrations: docs/deploy.md. Tests replay these steps and run the result, so they use
# nothing but PyPI.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/agenciaos-jobs
ENV PATH=/opt/agenciaos-jobs/bin:$PATH
COPY requirements.lock ./
COPY deploy/docker/requirements.lock ./docker.lock
RUN pip install --require-hashes -r requirements.lock -r docker.lock
COPY pyproject.toml README.md LICENSE ./
COPY agenciaos_jobs ./agenciaos_jobs
RUN pip install --no-deps . && pip check

FROM python:3.13-slim
COPY --from=build /opt/agenciaos-jobs /opt/agenciaos-jobs
ENV PATH=/opt/agenciaos-jobs/bin:$PATH HOST=0.0.0.0 PORT=8080
# Jobs of your own, which JOBS_MODULES names, are found here.
WORKDIR /srv/agenciaos-jobs
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8080
# For a server. A worker listens on no port: turn it off there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
# The kernel drops a signal that PID 1 has no handler for, such as a SIGTERM while Python still starts. dumb-init has one
# within two milliseconds. It passes signals on to the service alone, which ends its own children.
ENTRYPOINT ["dumb-init", "--single-child", "--"]
CMD ["agenciaos-jobs", "serve"]
