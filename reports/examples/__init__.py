"""Studies with committed results: each is a module, and a folder with its data, figure and text.

`python -m reports.examples.NAME` computes one again, into its folder or `--out FOLDER`.
"""
