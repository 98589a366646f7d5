"""Groups of the operator's commands, one file each; `worker.__main__` puts them on the command line."""
