"""Steps of `tools/build_mannequin.py`: from MakeHuman's CC0 assets to a body of SMPL's format."""
