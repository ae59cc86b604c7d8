"""Which cascade wins where: 3, 2 and 1 passes, over sequence length and buffer size.

All on FuseMax's arrays (`fusemax-cloud`). The rows of scores that 3 and 2 passes wait for are
either kept in the buffer or go through DRAM; the better of both is taken. Beside it stands what
the live footprints predict: keeping them takes M scores for each of the 256 queries that the
array works on, so it is possible up to M = buffer / (256 x 2 bytes), less what else is there.
"""
