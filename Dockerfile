# Two images: `services`, every daemon of ours, and `graphite`, carbon and graphite-web. Neither
# runs as root, and neither has pip, a compiler or our sources: those stay in the stages that build.
# Packages are those of docker/*.lock, by their hashes. twistd is process 1, so a stop is a signal
# that it hears.
#
# PYTHON may be an image with its digest: docs/deploy.md.
ARG PYTHON=python:3.11-slim-bookworm
FROM ${PYTHON} AS python
# One thread, where numpy would start one for each processor of the host.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 OPENBLAS_NUM_THREADS=1
RUN useradd --uid 4100 --user-group --create-home --home-dir /srv/state player
COPY docker/knock docker/fresh /usr/local/bin/
WORKDIR /srv/state


FROM python AS building
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_REQUIRE_VIRTUALENV=1
RUN python3 -m venv /opt/venv
WORKDIR /srv/build


FROM building AS graphite-building
COPY docker/graphite.lock docker/releases.lock graphite/bridge.py ./
# As environments.py does it: the bridge first, then what they need, then carbon and graphite-web.
RUN packages=$(python3 -c "import site; print(site.getsitepackages()[0])") \
 && cp bridge.py "$packages/clientmigration_bridge.py" \
 && echo "import clientmigration_bridge; clientmigration_bridge.put_back()" \
      > "$packages/clientmigration_bridge.pth" \
 && pip install --require-hashes -r graphite.lock \
 && pip install --require-hashes --no-deps --no-build-isolation -r releases.lock \
 && python3 -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))" \
 && pip uninstall --yes --quiet pip
COPY graphite /srv/graphite
RUN sed -i -e 's#\$storage#/srv/state#' -e 's#\$interface#0.0.0.0#' \
      -e 's#\$line_port#2003#' -e 's#\$query_port#7002#' /srv/graphite/carbon.conf


FROM python AS graphite
# graphite-web draws pictures with it.
RUN apt-get update -q && apt-get install -qy --no-install-recommends libcairo2 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=graphite-building /opt/venv /opt/venv
COPY --from=graphite-building /srv/graphite /srv/graphite
ENV PYTHONPATH=/srv/graphite GRAPHITE_ROOT=/srv/state GRAPHITE_STORAGE_DIR=/srv/state \
    GRAPHITE_CONF_DIR=/srv/graphite GRAPHITE_LISTEN=tcp:8080 GRAPHITE_CARBONLINK=carbon:7002 \
    GRAPHITE_HOSTS=graphite
LABEL org.opencontainers.image.title="carbon and graphite-web for ClientMigration"
USER player


FROM building AS services-building
# What changes seldom comes first: packages are kept while only our own code changes.
COPY docker/services.lock docker/build.lock ./
RUN pip install --require-hashes -r services.lock -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY docs docs
COPY graphite graphite
COPY systemd systemd
COPY services services
RUN pip install --no-deps --no-build-isolation . \
 && python3 -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))" \
 && python3 -c "from pathlib import Path; from clientmigration.stack.claims import keep_files; keep_files(Path('/srv/files'))" \
 && python3 -c "import sys; from clientmigration.wire import connection, messages; sys.stdout.buffer.write(connection.encode(messages.Greeting(role='player')))" > /srv/greeting \
 && pip uninstall --yes --quiet setuptools pip


FROM python AS services
COPY --from=services-building /opt/venv /opt/venv
COPY --from=services-building /srv/files /srv/files
COPY --from=services-building /srv/greeting /srv/greeting
LABEL org.opencontainers.image.title="ClientMigration" org.opencontainers.image.licenses="MIT"
USER player
ENTRYPOINT ["twistd", "-n", "--pidfile="]
