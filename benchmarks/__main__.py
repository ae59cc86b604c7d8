"""`python -m benchmarks`: how fast einfall is, each figure beside its goal, in one run."""

from __future__ import annotations

from benchmarks import closed_forms, commands, schedule, sweeps

if __name__ == "__main__":
    commands.main()
    closed_forms.main()
    schedule.main()
    sweeps.main()
