"""The checks, a module per topic; `lint.table` lists them."""
