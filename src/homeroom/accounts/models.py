from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from homeroom.accounts.policy import Role, Viewer
from homeroom.audit.actors import Actor


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """Somebody who signs in. No sites chosen means every site."""

    email = models.EmailField(_("email"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.VIEWER)
    sites = models.ManyToManyField(
        "inventory.Site",
        verbose_name=_("sites"),
        blank=True,
        related_name="+",
        help_text=_("Sees these sites only. None chosen: every site."),
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, help_text=_("Empty: the district's time zone.")
    )
    is_active = models.BooleanField(_("may sign in"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        ordering = ["name", "email"]
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = UserManager.normalize_email(self.email).lower()

    @property
    def actor(self) -> Actor:
        return Actor(f"user:{self.pk}", str(self))

    def viewer(self) -> Viewer:
        """Costs one query: the sites."""
        if self.role == Role.ADMINISTRATOR:
            return Viewer(self.actor, Role.ADMINISTRATOR)
        sites = list(self.sites.all())
        return Viewer(
            self.actor,
            Role(self.role),
            site_ids=frozenset(site.pk for site in sites) or None,
            works_at_depot=self.role == Role.TECHNICIAN and any(site.is_depot for site in sites),
        )

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


class ApiToken(models.Model):
    """Lets a program act as a user, within the token's scopes. The secret itself is shown once and never kept."""

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        WRITE = "write", _("Read and write")

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=100, help_text=_("What uses it, for example “MDM export”."))
    scope = models.CharField(_("may"), max_length=10, choices=Scope, default=Scope.READ)
    secret_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_on = models.DateField(_("expires on"), null=True, blank=True, help_text=_("Empty: never."))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name
