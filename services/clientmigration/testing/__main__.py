"""`python -m clientmigration.testing --seeds 1000`."""

import sys

from clientmigration.testing.explore import main

if __name__ == "__main__":
    sys.exit(main())
