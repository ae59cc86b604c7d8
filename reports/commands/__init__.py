"""The subcommands of `einfall`, one file each. What they compute with is imported when they run."""
