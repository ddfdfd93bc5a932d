# Two images: `services`, every daemon of ours, and `graphite`, carbon and graphite-web. Neither
# runs as root. twistd is process 1, so a stop is a signal that it hears.
FROM python:3.11-slim-bookworm AS python
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --uid 4100 --user-group --create-home --home-dir /srv/state player \
 && python3 -m venv /opt/venv
COPY docker/knock /usr/local/bin/
WORKDIR /srv/state


FROM python AS graphite
# graphite-web draws pictures with it.
RUN apt-get update -q && apt-get install -qy --no-install-recommends libcairo2 \
 && rm -rf /var/lib/apt/lists/*
COPY graphite/requirements.txt graphite/releases.txt graphite/bridge.py /srv/graphite/
# As environments.py does it: the bridge first, then what they need, then carbon and graphite-web.
RUN packages=$(python3 -c "import site; print(site.getsitepackages()[0])") \
 && cp /srv/graphite/bridge.py "$packages/clientmigration_bridge.py" \
 && echo "import clientmigration_bridge; clientmigration_bridge.put_back()" \
      > "$packages/clientmigration_bridge.pth" \
 && pip install -r /srv/graphite/requirements.txt \
 && pip install --no-deps --no-build-isolation -r /srv/graphite/releases.txt
COPY graphite /srv/graphite
RUN sed -i -e 's#\$storage#/srv/state#' -e 's#\$interface#0.0.0.0#' \
      -e 's#\$line_port#2003#' -e 's#\$query_port#7002#' /srv/graphite/carbon.conf \
 && python3 -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))"
ENV PYTHONPATH=/srv/graphite GRAPHITE_ROOT=/srv/state GRAPHITE_STORAGE_DIR=/srv/state \
    GRAPHITE_CONF_DIR=/srv/graphite GRAPHITE_LISTEN=tcp:8080 GRAPHITE_CARBONLINK=carbon:7002 \
    GRAPHITE_HOSTS=graphite
USER player


FROM python AS services
# What changes seldom comes first: packages are kept while only our own code changes.
COPY pyproject.toml /srv/clientmigration/
RUN cd /srv/clientmigration \
 && python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > /tmp/packages \
 && pip install -r /tmp/packages "setuptools>=77"
COPY README.md LICENSE /srv/clientmigration/
COPY services /srv/clientmigration/services
RUN pip install --no-deps --no-build-isolation --editable /srv/clientmigration \
 && python3 -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))" \
 && python3 -c "from pathlib import Path; from clientmigration.stack.claims import keep_files; keep_files(Path('/srv/files'))" \
 && python3 -c "import sys; from clientmigration.wire import connection, messages; sys.stdout.buffer.write(connection.encode(messages.Greeting(role='player')))" > /srv/greeting
USER player
ENTRYPOINT ["twistd", "-n", "--pidfile="]
