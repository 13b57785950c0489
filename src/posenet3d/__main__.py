"""Lets ``python -m posenet3d`` stand for the command ``posenet3d``."""

from posenet3d.cli import main

if __name__ == "__main__":
    main()
