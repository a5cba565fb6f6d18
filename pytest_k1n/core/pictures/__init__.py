"""Pictures in plain text and on pages: bars, axes, little lines."""
