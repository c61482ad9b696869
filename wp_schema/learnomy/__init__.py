"""The 40 tables of Learnomy, `{prefix}lrn_*`, one module per area.

There are no foreign keys: students' records outlive what they name, WordPress's own tables
may be of another engine, and each insert would share-lock its parents' rows.
"""
