"""Descriptions in other languages, read into English: words by a lexicon, their order by rules.

tokens -> the language -> the lexicon (inflection, compounds) -> number and word order -> English.
There is one file of data a language beside this one; docs/languages.md says how to add one.
"""
