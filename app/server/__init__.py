"""The web server around the pages: guards, limits, headers, processes.

In: requests. Out: answers, or a refusal in one sentence.
"""
