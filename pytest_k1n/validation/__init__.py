"""JSON Schema validation of the project's documents: compiled once, one readable line per problem."""
