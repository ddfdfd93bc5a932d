"""graphite-web's settings for ClientMigration; graphite-web loads them over its own defaults.

Everything that graphite-web keeps is under `GRAPHITE_STORAGE_DIR`, and its answers are fresh: a
number that carbon got a second ago is in the next answer, whether it is on the disk yet or not.
"""

import os
import secrets
from pathlib import Path

STORAGE_DIR = os.environ["GRAPHITE_STORAGE_DIR"]
LOG_DIR = str(Path(STORAGE_DIR, "log"))
WHISPER_DIR = str(Path(STORAGE_DIR, "whisper"))
for _folder in (LOG_DIR, WHISPER_DIR):
    Path(_folder).mkdir(parents=True, exist_ok=True)


def _kept_secret(path: Path) -> str:
    """The key that signs sessions: made once, readable by its owner only."""
    if not path.exists():
        fresh = path.with_suffix(".fresh")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        fresh.rename(path)
    return path.read_text()


SECRET_KEY = _kept_secret(Path(STORAGE_DIR, "web.secret"))
# A page of another site must not be able to reach this server under a name of its own.
# Further names, where its clients are on other hosts or in containers: GRAPHITE_HOSTS.
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *os.environ.get("GRAPHITE_HOSTS", "").split()]
TIME_ZONE = "UTC"

# Its own finder and reader, but one file that cannot be read hides no other.
STORAGE_FINDERS = ("web_finder.Finder",)

# carbon's query port: points that are not on the disk yet are asked for there.
CARBONLINK_HOSTS = [os.environ["GRAPHITE_CARBONLINK"]]
# Below the report interval, or panels would show a second twice.
DEFAULT_CACHE_DURATION = 1
FIND_CACHE_DURATION = 1

# Its answers come from its own threads (web.py). Its pool would start more, and hold a stop up.
USE_WORKER_POOL = False
# What its tables were made with; Django asks to be told.
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# Errors go to the log of the process; nothing is written about requests that went well.
LOG_FILE_INFO = LOG_FILE_EXCEPTION = LOG_FILE_CACHE = LOG_FILE_RENDERING = "-"
LOG_INFO_PERFORMANCE = False
