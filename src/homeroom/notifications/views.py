from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_tables2 import RequestConfig

from homeroom.accounts.access import ViewerRequest, requires
from homeroom.accounts.policy import Permission
from homeroom.notifications import queries, verbs
from homeroom.notifications.forms import PreferencesForm
from homeroom.notifications.models import Mail
from homeroom.notifications.rules import DIGEST_AT
from homeroom.notifications.server import mail_server
from homeroom.notifications.tables import MailTable
from homeroom.notifications.verbs.keeping import KEPT, WAITS_FOR_A_SERVER
from homeroom.web.errors import Refused

State = Mail.State
SHOWN = {
    "waiting": [State.QUEUED, State.SENDING],
    "failed": [State.FAILED],
    "sent": [State.SENT],
    "dropped": [State.DROPPED],
}


@requires(Permission.OWN_ACCOUNT)
def preferences(request: ViewerRequest) -> HttpResponse:
    """How one is told of each kind of news."""
    form = PreferencesForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        verbs.choose_deliveries(request.user, form.chosen(), actor=request.viewer.actor)
        messages.success(request, _("Saved."))
        return redirect("notifications:preferences")
    shown = {
        "form": form,
        "digest_at": DIGEST_AT,
        "time_zone": timezone.get_current_timezone_name().replace("_", " "),
        "has_server": mail_server() is not None,
    }
    return render(request, "notifications/preferences.html", shown)


@requires(Permission.MANAGE_SETTINGS)
def email(request: ViewerRequest) -> HttpResponse:
    """The mail server as it is configured, and what became of the mail."""
    chosen = request.GET.get("show", "")
    mails = queries.mails(request.viewer)
    if chosen in SHOWN:
        mails = mails.filter(state__in=SHOWN[chosen])
    table = MailTable(mails, order_by="-queued_at")
    RequestConfig(request, paginate={"per_page": 25}).configure(table)
    shown = {
        "table": table,
        "chosen": chosen if chosen in SHOWN else "",
        "server": mail_server(),
        "sender": settings.CONFIGURATION.email_from,
        "base_url": settings.CONFIGURATION.base_url,
        "standing": queries.standing(request.viewer),
        "kept_days": KEPT.days,
        "waits_days": WAITS_FOR_A_SERVER.days,
    }
    return render(request, "notifications/email.html", shown)


@require_POST
@requires(Permission.MANAGE_SETTINGS)
def test(request: ViewerRequest) -> HttpResponse:
    """Send a test mail to whoever presses the button."""
    try:
        finding = verbs.send_test_mail(request.user.email, actor=request.viewer.actor)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        if finding is None:
            sentence = _(
                "The mail server has taken the test mail. Look for it in the mailbox of %(address)s."
            )
            messages.success(request, sentence % {"address": request.user.email})
        else:
            messages.error(request, str(finding))
    return redirect("notifications:email")


@require_POST
@requires(Permission.MANAGE_SETTINGS)
def try_again(request: ViewerRequest, pk: int) -> HttpResponse:
    return _tried_again(request, Mail.objects.filter(pk=pk))


@require_POST
@requires(Permission.MANAGE_SETTINGS)
def try_all_again(request: ViewerRequest) -> HttpResponse:
    """Everything that failed or waits."""
    return _tried_again(request, Mail.objects.all())


def _tried_again(request: ViewerRequest, mails: QuerySet[Mail]) -> HttpResponse:
    count = verbs.try_again(mails, actor=request.viewer.actor)
    if count:
        sentence = ngettext(
            "%(count)d mail is tried again now.", "%(count)d mails are tried again now.", count
        )
        messages.success(request, sentence % {"count": count})
    else:
        messages.info(request, _("There is nothing to try again: it was sent, or is being sent."))
    return redirect("notifications:email")
