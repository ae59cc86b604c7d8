"""What einfall promises to be fast at, measured."""
