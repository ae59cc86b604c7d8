"""Figures of a sweep, from its store: what `einfall plot` draws.

Each kind of figure is a file, a function from an open store and a `Request` to a Matplotlib
figure, and an entry of `reports.plots.drawing.BUILDERS`.
"""
