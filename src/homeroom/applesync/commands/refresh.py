"""`homeroom apple refresh`: one device, asked for now."""

import click

from homeroom.accounts.policy import COMMAND_LINE_VIEWER
from homeroom.applesync.verbs.refresh import refresh_device
from homeroom.inventory.exports.formats import json_object
from homeroom.inventory.models import Device
from homeroom.inventory.queries import device_by_serial_or_tag
from homeroom.web.errors import Refused


@click.command()
@click.argument("serial_or_tag")
@click.option("--json", "as_json", is_flag=True, help="Print the device's row as JSON.")
def refresh(serial_or_tag: str, *, as_json: bool) -> None:
    """Ask Apple for one device and its coverage now. Works while a sync runs."""
    device = device_by_serial_or_tag(COMMAND_LINE_VIEWER, serial_or_tag)
    if device is None:
        raise click.ClickException(f"No device has the serial number or asset tag “{serial_or_tag}”.")
    try:
        refreshed = refresh_device(device, actor=COMMAND_LINE_VIEWER.actor)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from None
    if as_json:
        click.echo(json_object("devices", Device.objects.filter(pk=device.pk), COMMAND_LINE_VIEWER))
    click.echo(refreshed.sentence, err=True)
