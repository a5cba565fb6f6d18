"""Pictures of an execution as inline SVG: pure functions of its document, everything escaped."""
