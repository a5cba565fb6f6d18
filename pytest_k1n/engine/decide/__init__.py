"""One evaluation of an execution, pure: what is scheduled, retried, timed out, ended."""
