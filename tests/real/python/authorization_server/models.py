"""Clients that an administrator can disable, as the documentation of `is_usable` has it."""

from django.db.models import BooleanField
from oauth2_provider.models import AbstractApplication


class Client(AbstractApplication):
    """A client with a switch."""

    disabled = BooleanField(default=False)

    def is_usable(self, request):
        return not self.disabled
