"""The operator's one command line, `easel`: it gathers what the packages offer and decides nothing itself."""
