"""What a person sees: command line, tables, figures, reproductions."""
