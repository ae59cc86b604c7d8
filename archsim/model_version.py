"""The version of the cost model: results of different versions are different results."""

from __future__ import annotations

MODEL_VERSION = "1"
"""Raised with every change that alters a figure of `evaluate`; stored results know theirs."""
