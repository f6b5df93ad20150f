"""What can be done with a site."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from homeroom.accounts.models import User
from homeroom.audit.actors import Actor
from homeroom.audit.verbs import changed_values, record
from homeroom.inventory.models import Site
from homeroom.inventory.verbs.saving import assign, check_and_save, values_of
from homeroom.web.errors import Refused

SITE_VALUES = frozenset({"name", "kind", "contact_name", "contact_phone", "address"})


@transaction.atomic
def create_site(*, actor: Actor, **values: Any) -> Site:
    site = Site()
    assign(site, values, allowed=SITE_VALUES)
    check_and_save(site)
    record(actor, "site.created", site, after=values_of(site, SITE_VALUES))
    return site


@transaction.atomic
def update_site(site: Site, *, actor: Actor, **values: Any) -> Site:
    stored = Site.objects.select_for_update().get(pk=site.pk)
    before = values_of(stored, SITE_VALUES)
    assign(stored, values, allowed=SITE_VALUES)
    old, new = changed_values(before, values_of(stored, SITE_VALUES))
    if new:
        check_and_save(stored)
        record(actor, "site.updated", stored, before=old, after=new)
    assign(site, {name: getattr(stored, name) for name in values}, allowed=SITE_VALUES)
    return site


@transaction.atomic
def delete_site(site: Site, *, actor: Actor) -> None:
    """Delete a site with nothing in it.

    Nobody's access may widen by it, since a user without sites sees every site.
    """
    if site.devices.exists() or site.people.exists():
        raise Refused(_("%(site)s has devices or people. Move them to another site first.") % {"site": site})
    if User.objects.filter(sites=site).exists():
        raise Refused(_("Users are limited to %(site)s. Give them another site first.") % {"site": site})
    record(actor, "site.deleted", site, before=values_of(site, SITE_VALUES))
    site.delete()
