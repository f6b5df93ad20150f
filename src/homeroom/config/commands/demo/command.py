"""`homeroom demo`: an invented district on a simulated Apple, to look at and to learn on."""

import os
import secrets
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import click
import msgspec
from django.conf import settings

from homeroom.accounts.models import User
from homeroom.accounts.policy import Role
from homeroom.accounts.verbs.users import create_user
from homeroom.audit.actors import COMMAND_LINE
from homeroom.config.commands.children import Children, free_port, refuse_unusable_port
from homeroom.config.commands.database import prepare
from homeroom.config.commands.demo import district, endings, repairs
from homeroom.config.commands.demo.incidents import tell_stories
from homeroom.config.commands.servers import address, serve_with
from homeroom.insurance.models import Kind
from homeroom.insurance.queries import today
from homeroom.insurance.verbs import create_insurance
from homeroom.inventory.models import Device

HOST = "127.0.0.1"
SEED = 2026
REQUESTS_A_SECOND = 80
CONNECTION = "Demo district"
TECHNICIAN = "tech@demo.example"
PASSWORDS = {
    "admin@demo.example": ("Alex Admin", Role.ADMINISTRATOR),
    TECHNICIAN: ("Terry Technician", Role.TECHNICIAN),
    "viewer@demo.example": ("Val Viewer", Role.VIEWER),
}


class Folder:
    """Where the demo keeps what it needs to go on: the simulator's state, its credentials, the sign-in."""

    def __init__(self) -> None:
        self.path: Path = settings.CONFIGURATION.data_dir.resolve() / "demo"
        self.credentials = self.path / "apple"
        self.state = self.path / "apple.jsonl"
        self.password_file = self.path / "password"

    @property
    def is_new(self) -> bool:
        return not self.password_file.exists()


@click.command()
@click.option(
    "--devices", type=click.IntRange(min=20), default=2000, show_default=True, help="How many devices."
)
@click.option("--port", default=8000, show_default=True, help="Port of the pages.")
def demo(devices: int, port: int) -> None:
    """Serve an invented district on a simulated Apple School Manager. Ctrl-C ends it; the next start goes on."""
    refuse_unusable_port(HOST, port)
    prepare()
    folder = Folder()
    if folder.is_new and Device.objects.exists():
        raise click.ClickException(
            f"{settings.CONFIGURATION.data_dir} holds a real district. Give the demo a folder of its own "
            "with HOMEROOM_DATA_DIR."
        )
    folder.path.mkdir(parents=True, exist_ok=True)
    with Children() as children:
        apple = _start_apple(children, folder, district.Plan(devices))
        if folder.is_new:
            _build(folder, district.Plan(devices), apple)
        _tell("Syncing with the simulated Apple School Manager:")
        _homeroom("apple", "sync")
        repairs.send_some()
        endings.decide_about_some(User.objects.get(email=TECHNICIAN))
        serve_with(children, host=HOST, port=port)
        password = folder.password_file.read_text().strip()
        _tell("Ready. Ctrl-C ends it; the next start goes on from here. Sign in as")
        for email, (_name, role) in PASSWORDS.items():
            _tell(f"  {email}  ({role.label})")
        _tell(f"with the password  {password}")
        _tell(f"Ship replacements and cause trouble at the simulated Apple:  {apple}/_control/")
        for what, serials in repairs.to_be_replaced():
            _tell(f"  {what}:  {' '.join(serials)}")
        _tell(address(HOST, port))
        sys.exit(children.wait())


def _start_apple(children: Children, folder: Folder, plan: district.Plan) -> str:
    """Start the simulated Apple, and let this installation ask it; its address."""
    port = free_port()
    children.start(
        "simulator",
        *("--devices", str(plan.listed_by_apple)),
        *("--seed", str(SEED)),
        *("--port", str(port)),
        *("--credentials", str(folder.credentials)),
        *("--state", str(folder.state)),
    )
    children.wait_for_port(HOST, port)
    apple = f"http://127.0.0.1:{port}"
    os.environ["HOMEROOM_APPLE_API_URL"] = f"{apple}/v1"
    os.environ["HOMEROOM_APPLE_TOKEN_URL"] = f"{apple}/auth/oauth2/token"
    os.environ.setdefault("HOMEROOM_APPLE_MAX_RATE", str(REQUESTS_A_SECOND))
    return apple


def _build(folder: Folder, plan: district.Plan, apple: str) -> None:
    """Bring the district in the way a real one comes: two files, a connection, accounts."""
    from appleschool_sim.kinds import Kind as AppleKind
    from appleschool_sim.world import World

    _tell(f"Building a district of {plan.devices} devices at {len(district.SCHOOLS)} sites …")
    world = World(AppleKind.SCHOOL, plan.listed_by_apple, seed=SEED, today=today())
    people, devices = folder.path / "people.csv", folder.path / "devices.csv"
    district.write_people(people, plan, SEED)
    district.write_devices(devices, plan, world, SEED)
    endings.let_some_end(apple, plan, world)
    if not Device.objects.exists():
        _homeroom("import", "people", str(people), "--create-sites")
        _homeroom("import", "devices", str(devices), "--create-sites")
        _insure(plan)
    _connect(folder)
    _make_accounts(folder)


def _insure(plan: district.Plan) -> None:
    starts = today() - timedelta(days=200)
    for device in Device.objects.filter(asset_tag__in=list(district.insured_tags(plan))):
        create_insurance(
            device,
            actor=COMMAND_LINE,
            provider="Student Device Protection",
            plan="Accidental damage",
            kind=Kind.OTHER,
            agreement_number=f"SDP-{device.asset_tag}",
            starts=starts,
            ends=starts + timedelta(days=364),
        )


def _connect(folder: Folder) -> None:
    account = msgspec.json.decode((folder.credentials / "credentials.json").read_bytes())
    _homeroom(
        *("apple", "configure", "--name", CONNECTION),
        *("--client-id", account["client_id"]),
        *("--key-id", account["key_id"]),
        *("--private-key", str(folder.credentials / account["private_key"])),
    )


def _make_accounts(folder: Folder) -> None:
    password = secrets.token_urlsafe(9)
    for email, (name, role) in PASSWORDS.items():
        if not User.objects.filter(email=email).exists():
            create_user(actor=COMMAND_LINE, email=email, name=name, password=password, role=role)
    tell_stories(User.objects.get(email=TECHNICIAN))
    # Last of all, and whole: this file says that the district is.
    new = folder.password_file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(password + "\n")
    new.replace(folder.password_file)


def _homeroom(*arguments: str) -> None:
    """Run a `homeroom` command to its end, its words going where ours go."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "homeroom", *arguments], check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise click.ClickException(f"homeroom {' '.join(arguments[:2])} did not succeed.")


def _tell(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
