"""What is wrong around an Easel, found before it is met: each finding is one true sentence that says what to do.

`easel doctor` asks everything. Every process asks what concerns it at its start, says in its log what is risky, and
does not begin when something is broken.
"""
