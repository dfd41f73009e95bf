"""What both pages, the HTTP interface and batch runs share: request types, service, texts.

In: raw values of a stranger. Out: checked requests, results, sentences in the reader's language.
"""
