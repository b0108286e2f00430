"""All pictures of README and docs, drawn by one command from results that are kept here.

    python -m studies.pictures            # draws what is older than what it is drawn from
    python -m studies.pictures --check    # says what is older, and fails if anything is
    python -m studies.pictures --all      # draws everything, also as PDF and SVG into build/figures

``make figures`` is the first. Long measurements leave small files in ``data``; pictures of a page of
results are drawn from the tables of that page. ``sources`` lists all pictures and what each depends on.
"""
