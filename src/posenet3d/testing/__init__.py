"""What plug-in authors test their own blocks with.

:mod:`posenet3d.testing.strategies` draws rotations, skeletons and depths through Hypothesis.
"""
