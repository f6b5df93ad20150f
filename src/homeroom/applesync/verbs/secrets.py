from django.apps import apps
from django.db import transaction

from homeroom.applesync.encryption import EncryptedTextField
from homeroom.audit import verbs as audit
from homeroom.audit.actors import Actor


@transaction.atomic
def reencrypt(*, actor: Actor) -> int:
    """Write every stored secret again with the first of HOMEROOM_SECRET_KEYS; tells how many there are.

    All or none: a secret that no key opens raises SecretCannotBeRead, and nothing is changed.
    """
    count = 0
    for model in apps.get_models():
        names = [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]
        if not names:
            continue
        for row in model._base_manager.select_for_update():  # noqa: SLF001
            row.save(update_fields=names)
            audit.record(actor, "secret.reencrypted", row)
            count += 1
    return count
