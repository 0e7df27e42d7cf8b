"""A project of django-allauth that is an OpenID provider with two factors."""
