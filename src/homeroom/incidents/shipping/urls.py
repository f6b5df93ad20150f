from django.urls import URLPattern, path

from homeroom.incidents.shipping.views import packing, receiving, sending, shipments

_BOX = "at-apple/shipments/<int:number>/"

urlpatterns: list[URLPattern] = [
    path("incidents/<int:number>/send-to-apple/", sending.send_to_apple, name="send-to-apple"),
    path("incidents/<int:number>/before-sending/", sending.before_sending, name="before-sending"),
    path("incidents/<int:number>/shipping-day/", sending.shipping_day, name="shipping-day"),
    path("incidents/<int:number>/receive-back/", receiving.receive_back, name="receive-back"),
    path("at-apple/", receiving.board, name="at-apple"),
    path("at-apple/receive/", receiving.receive_scanned, name="receive-scanned"),
    path("at-apple/shipments/", shipments.shipments, name="shipments"),
    path("at-apple/shipments/new/", shipments.shipment_new, name="shipment-new"),
    path(_BOX, shipments.shipment, name="shipment"),
    path(f"{_BOX}edit/", shipments.shipment_edit, name="shipment-edit"),
    path(f"{_BOX}units/", shipments.units, name="shipment-units"),
    path(f"{_BOX}scan/", packing.scan, name="shipment-scan"),
    path(f"{_BOX}open-incident/", packing.open_in_place, name="shipment-open-incident"),
    path(f"{_BOX}remove/", packing.remove, name="shipment-remove"),
    path(f"{_BOX}ship/", shipments.shipment_ship, name="shipment-ship"),
    path(f"{_BOX}cancel/", shipments.shipment_cancel, name="shipment-cancel"),
    path(f"{_BOX}packing-list/", shipments.packing_list, name="packing-list"),
]
