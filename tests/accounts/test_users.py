"""Signing in, and who may let others in."""

from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client

from homeroom.accounts.commands import createadmin
from homeroom.accounts.models import ApiToken, User
from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.users import create_user, set_password, update_user
from homeroom.audit.actors import COMMAND_LINE
from homeroom.audit.models import Entry
from homeroom.web.errors import Refused
from tests.builders import make_site, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def sign_in(email: str, password: str = PASSWORD) -> Any:
    return Client().post("/account/login/", {"login": email, "password": password})


@pytest.mark.parametrize("role", list(Role))
def test_each_role_signs_in_and_lands_on_a_page_it_may_see(role: Role) -> None:
    user = make_user(role)
    client = Client()
    answer = client.post("/account/login/", {"login": user.email.upper(), "password": PASSWORD}, follow=True)
    assert answer.status_code == 200
    assert str(user) in answer.content.decode()


def test_a_wrong_password_and_a_closed_account_do_not_sign_in() -> None:
    user = make_user()
    assert sign_in(user.email, "wrong").status_code == 200
    User.objects.update(is_active=False)
    answer = sign_in(user.email)
    assert answer.status_code == 302
    assert "inactive" in answer["Location"]


def test_guessing_is_slowed_down() -> None:
    user = make_user()
    answers = [sign_in(user.email, f"guess {number}") for number in range(12)]
    assert "Too many failed" in answers[-1].content.decode()
    assert sign_in(user.email).status_code == 200  # even the right one has to wait


def test_nobody_signs_themselves_up() -> None:
    Client().post("/account/signup/", {"email": "me@x.test", "password1": PASSWORD})
    assert not User.objects.exists()


def test_an_administrator_adds_a_user_who_can_sign_in(as_administrator: Client) -> None:
    site = make_site()
    form = {
        "name": "Tess",
        "email": "Tess@X.test",
        "role": "technician",
        "sites": [site.pk],
        "password": PASSWORD,
    }
    assert as_administrator.post("/account/users/new/", form).status_code == 302
    user = User.objects.get(email="tess@x.test")
    assert user.viewer().site_ids == {site.pk}
    assert sign_in("tess@x.test").status_code == 302
    entry = Entry.objects.get(action="user.created")
    assert "tess" not in str((entry.after, entry.object_label)).lower() or entry.object_label == "Tess"
    assert entry.personal.after["email"] == "tess@x.test"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"email": "taken@x.test"}, "already"),
        ({"email": "no address"}, "email"),
        ({"password": "12345678"}, "password"),
    ],
)
def test_a_user_that_is_wrong_is_refused_with_a_sentence(
    as_administrator: Client, values: dict[str, str], field: str
) -> None:
    make_user(email="taken@x.test")
    form = {"name": "T", "email": "t@x.test", "role": "viewer", "password": PASSWORD} | values
    answer = as_administrator.post("/account/users/new/", form)
    assert answer.status_code == 200
    assert field in answer.content.decode().lower()
    assert not User.objects.filter(name="T").exists()


@pytest.mark.parametrize("values", [{"role": Role.VIEWER}, {"is_active": False}])
def test_the_last_administrator_stays_one(values: dict[str, Any]) -> None:
    last = make_user(Role.ADMINISTRATOR)
    make_user(Role.ADMINISTRATOR, is_active=False)
    with pytest.raises(Refused):
        update_user(last, actor=COMMAND_LINE, **values)
    make_user(Role.ADMINISTRATOR)
    update_user(User.objects.get(pk=last.pk), actor=COMMAND_LINE, **values)


def test_a_new_password_ends_the_sessions_of_the_old_one(as_administrator: Client) -> None:
    user = make_user(Role.VIEWER)
    theirs = Client()
    theirs.post("/account/login/", {"login": user.email, "password": PASSWORD})
    assert theirs.get("/devices/").status_code == 200
    form = {
        "name": "x",
        "email": user.email,
        "role": "viewer",
        "is_active": "on",
        "password": "another good one",
    }
    assert as_administrator.post(f"/account/users/{user.pk}/", form).status_code == 302
    assert theirs.get("/devices/").status_code == 302


def test_people_set_their_own_time_zone(as_viewer: Client, viewer: User) -> None:
    form = {"name": "Me", "time_zone": "America/Chicago"}
    assert as_viewer.post("/account/preferences/", form).status_code == 302
    viewer.refresh_from_db()
    assert (viewer.name, viewer.time_zone) == ("Me", "America/Chicago")
    assert as_viewer.post("/account/preferences/", form | {"time_zone": "Moon/Base"}).status_code == 200


def test_createadmin_makes_one_who_can_sign_in() -> None:
    done = CliRunner().invoke(createadmin, ["--email", "a@x.test", "--password-stdin"], input=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert User.objects.get().role == Role.ADMINISTRATOR
    again = CliRunner().invoke(
        createadmin, ["--email", "A@x.test", "--password-stdin"], input=f"{PASSWORD}\n"
    )
    assert (again.exit_code, User.objects.count()) == (1, 1)
    assert "already" in again.output


def test_createadmin_refuses_a_weak_password_and_asks_nothing_without_a_terminal() -> None:
    weak = CliRunner().invoke(createadmin, ["--email", "a@x.test", "--password-stdin"], input="1234\n")
    assert weak.exit_code == 1
    silent = CliRunner().invoke(createadmin, ["--email", "a@x.test"])
    assert silent.exit_code == 2
    assert not User.objects.exists()


def test_a_token_is_shown_once_and_can_be_revoked(as_viewer: Client, viewer: User) -> None:
    made = as_viewer.post("/account/tokens/", {"name": "Report", "scope": "read"}).content.decode()
    secret = made[made.index("homeroom_") :].split("<")[0]
    assert secret not in as_viewer.get("/account/tokens/").content.decode()
    answer = Client().get("/api/v1/sites", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    token = ApiToken.objects.get()
    other = Client()
    other.force_login(
        create_user(actor=COMMAND_LINE, email="o@x.test", password=PASSWORD, name="O", role=Role.VIEWER)
    )
    assert other.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    as_viewer.post(f"/account/tokens/{token.pk}/revoke/")
    assert Client().get("/api/v1/sites", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_of_two_who_change_an_account_at_once_neither_undoes_what_the_other_did(technician: User) -> None:
    seen_by_one, seen_by_other = (User.objects.get(pk=technician.pk) for _one in range(2))
    update_user(seen_by_one, actor=COMMAND_LINE, is_active=False)
    set_password(seen_by_one, "an entirely other pass 99", actor=COMMAND_LINE)
    update_user(seen_by_other, actor=COMMAND_LINE, time_zone="Europe/Berlin")
    technician.refresh_from_db()
    assert (technician.is_active, technician.time_zone) == (False, "Europe/Berlin")
    assert technician.check_password("an entirely other pass 99")


@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_made_twice_at_once_is_refused_the_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"email": "two@district.test", "password": PASSWORD, "name": "Two", "role": Role.VIEWER}
    create_user(actor=COMMAND_LINE, **given)
    monkeypatch.setattr("homeroom.accounts.verbs.users._check_email", lambda _user: None)
    with pytest.raises(Refused) as refusal:
        create_user(actor=COMMAND_LINE, **given)
    assert refusal.value.field == "email"
    assert User.objects.filter(email="two@district.test").count() == 1
