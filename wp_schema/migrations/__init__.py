"""Alembic's environment for the Learnomy tables, and DDL that runs beside a live site.

A revision names tables by their tokens (`zblog_lrn_...`), and each of its steps looks first
whether it is needed: MySQL commits every DDL statement, so a run may have been cut off
anywhere, and the initial revision makes the tables as the newest code declares them.
"""
