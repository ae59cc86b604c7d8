"""A sweep as one HTML file that needs nothing else: what `einfall report` writes.

`page` puts it together, `columns` packs the designs, `details` evaluates some of them again with
all their terms. What runs in the browser is in `static/`, in plain JavaScript.
"""
