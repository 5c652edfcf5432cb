"""Conformance kit for Ed-Fi career and technical education data."""

__all__ = ["__version__"]

__version__ = "0.1.0"
