"""``python -m stereo3d``."""

from stereo3d.cli.main import console

if __name__ == "__main__":
    console()
