"""A project of django-oauth-toolkit: an authorization server, or an API that asks one."""
