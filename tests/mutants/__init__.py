"""The attack on the instrument: wrong variants that it has to catch, and correct rewrites that it has to pass.

`make mutants` runs it. `edits` has the operators, one small change of a present file each; `wrong` and `rewrites` have
whole candidate files, as someone might hand them in. `project` makes a changed copy of the project, `stages` runs the
real commands in it, `attack` runs the variants, two at a time, and `report` tells who caught what.
"""
