"""`python -m cultivar`: the `cultivar` command of the checkout in the working directory."""

from cultivar.cli import app

if __name__ == "__main__":
    app(prog_name="cultivar")
