"""`python -m cultivar`: the `cultivar` command of the checkout in the working directory."""

import sys

from cultivar.cli import call

if __name__ == "__main__":
    call(sys.argv[1:])
