"""What stands in for people, other systems and workers while a workflow is tested."""
