"""The main job: from real data to a posterior that simulated lasers computed.

``patients`` has the data, ``posterior`` and ``digits`` the two tasks, ``result`` what comes out, and
``job`` does it all.
"""
