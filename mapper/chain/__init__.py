"""Exact mapping of serial chains: Einsums that run one after another, sharing loops and tensors.

    mapping ::= group+                  runs of Einsums that share something
    group   ::= stack at every boundary between two of its Einsums, and what is kept across it
    stack   ::= loop*                   over ranks of both neighbours, at most one for each rank,
                                        each with a tile that divides the rank; the stacks before
                                        and after an Einsum are prefixes of each other
    kept    ::= a tensor and a depth of the stack: its tile lies in the home memory below that many
                loops, for all of its users (an intermediate lives there, and its users share only
                ranks that it has above it), or for one user, while loops turn that it lacks
    einsum  ::= the longer of its stacks, private
    private ::= home* spread* block steps spread*
    home    ::= a tile held in the home memory below the whole stack (if it is not the inner one)
    block   ::= one loop for each rank class, in any order, with holds in the inner memory right
                above loops over classes that the tensor lacks, or below all of them
    steps   ::= one tensor at most in the registers of the PEs, a value in each: its ranks are
                stepped through first
    spread  ::= every dimension used as fully as whole factors of its ranks can, by any of them

A rank class is the rank variables that the same tensors of an Einsum have. Tiles divide what they
are part of. The *home* is the outermost shared memory on chip, of which there is one instance;
the *inner* memory the innermost shared one on the way to the unit. `scope` says what is refused.
A private tile is fetched again in every turn of the shared loops.
"""
