"""Sweeps: many designs, each an architecture, a workload, a cascade and a mapping.

    sweep = load_sweep("sweep.yaml")                    # or build_sweep(settings, changes, ...)
    for start in range(0, sweep.size, 4096):
        points = make_points(sweep, start, start + 4096)    # made when they are asked for
        keys = point_keys(points)                           # 16 bytes a point: its identity
        outcome = evaluate_points(points)                   # columns of results, never an exception

A point's key and its results depend on that point alone: not on the slice that it came in, nor
on the order or the number of the processes that work on slices. `Sweep`, `Points` and `Outcome`
pickle. Evaluating keeps what it has learnt about a sweep in the process, so that a worker is best
fed slices of some thousand points.

An adaptive sweep (`sweep.sampler.adaptive`) has no points before results: it goes in rounds.

    for start, stop in sweep.rounds():                      # index ranges, known beforehand
        points = next_points(sweep, start, stop, history)   # of all points below `start`
        ...                                                 # evaluate, store, add to the history

The same history gives the same points, so that a store with some of a round's points goes on
where it was.
"""
