"""The command `python -m clientmigration.testing`: what it does is in `explore.py`."""

import sys

from clientmigration.testing.explore import main

if __name__ == "__main__":
    sys.exit(main())
