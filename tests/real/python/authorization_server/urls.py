"""The endpoints of the toolkit at the root, and APIs that its own views guard."""

from django.contrib import admin
from django.http import HttpResponse, JsonResponse
from django.urls import include, path
from oauth2_provider.views.generic import (
    ProtectedResourceView,
    ScopedProtectedResourceMetadataView,
)


class Bare(ProtectedResourceView):
    """Takes any token, and refuses with a 403 that says nothing."""

    def get(self, request):
        return JsonResponse({"status": "ok"})


class Scoped(ScopedProtectedResourceMetadataView):
    """Wants a scope, and refuses with a challenge (RFC 6750 §3, RFC 9728 §5.1)."""

    required_scopes = ["monitoring:health"]

    def get(self, request):
        return JsonResponse({"status": "ok"})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/bare", Bare.as_view()),
    path("api/scoped", Scoped.as_view()),
    # Where a logout ends.
    path("", lambda request: HttpResponse("Goodbye")),
    path("", include("oauth2_provider.urls")),
]
