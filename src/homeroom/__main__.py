"""`python -m homeroom` is `homeroom`."""

from homeroom.config.cli import main

main()
