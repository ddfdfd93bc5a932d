"""`python -m clientmigration`: the command line, where its program is not on the PATH."""

import sys

from clientmigration.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
