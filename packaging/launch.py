"""What the frozen program starts: the `marque` command."""

from app.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
