"""The commands of `cosmo`, one or one group a file: each is named `command`.

At their top they import click and `shared/` only, what they run where they run it. So `cosmo --help` and each
command start at once, and a machine needs only the packages of the commands it uses.
"""
