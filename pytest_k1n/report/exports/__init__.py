"""A run's document in the forms that other tools read: each module has `render(document) -> str`."""
