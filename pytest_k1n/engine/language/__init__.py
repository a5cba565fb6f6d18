"""What definitions say in expressions: `${...}`, JSONPath, JavaScript, jq, and how Java prints values."""
