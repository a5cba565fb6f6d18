"""Make pytester available to the tests of the plugin, and nothing else."""

pytest_plugins = ["pytester"]
