"""The project of a team is run as a whole by the tests beside it: nothing of it is collected here."""

collect_ignore = ["project"]
