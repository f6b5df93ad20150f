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
        site_ids: frozenset[int] | None = None
        if self.role != Role.ADMINISTRATOR:
            site_ids = frozenset(self.sites.values_list("pk", flat=True)) or None
        return Viewer(self.actor, Role(self.role), site_ids)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False
